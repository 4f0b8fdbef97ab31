"""How many tasks a second the HTTP API accepts, and whether each that it accepted is in Redis.

`python -m benchmarks.api` starts a broker and the API on loopback, offers requests at a fixed rate
whatever the answers' speed, and then reads the broker's lists: each task id that was answered must
be there once. No worker runs, so nothing but the API's own work is measured.
"""
