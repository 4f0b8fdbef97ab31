"""The node agent's talk with the API server, over httpx.

The `kubernetes` client is avoided here: it has no asyncio interface, so that each watch would
take a thread, and it takes 15 MiB more (measured at import, version 37).
"""
