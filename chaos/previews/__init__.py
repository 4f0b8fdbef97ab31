"""Previews made and taken down under faults: commands and engines killed, servers frozen.

The rehearsal is real but for nodes and the container runtime; so are the engine and its state.
"""
