"""Names of the supervisor's files in the state folder."""

from pathlib import Path

from rehearsal.layout import Layout


def processes_file(layout: Layout) -> Path:
    """What runs: written by the supervisor, read by commands."""
    return layout.root / "processes.json"


def ports_file(layout: Layout) -> Path:
    return layout.root / "ports.json"


def tools_file(layout: Layout) -> Path:
    return layout.root / "tools.json"


def lock_file(layout: Layout) -> Path:
    """Held by the living supervisor; names it."""
    return layout.root / "supervisor.lock"


def news_file(layout: Layout) -> Path:
    """What the next command shall tell."""
    return layout.root / "news.jsonl"


def heartbeat_file(layout: Layout) -> Path:
    """Touched by the node agent every few seconds."""
    return layout.root / "node-agent.heartbeat"


def log_file(layout: Layout, name: str) -> Path:
    return layout.logs / f"{name}.log"
