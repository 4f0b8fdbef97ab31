"""Ends what a node agent that was killed has left running, when no other is to take it over."""

import asyncio

from rehearsal.layout import Layout
from rehearsal.node_agent.pods.members import end_strangers


def end_pod_processes(layout: Layout) -> None:
    """SIGKILL every process of every pod of this state folder; fine if there is none.

    Only for a rehearsal whose agent does not run: it would start the containers again.
    """
    asyncio.run(end_strangers(layout.pods, frozenset()))
