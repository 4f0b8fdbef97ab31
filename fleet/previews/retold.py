"""What a preview was asked for, where this checkout does not have its stack file."""

from datetime import datetime

from fleet.previews.engine import PreviewEngine
from fleet.previews.records import told
from fleet.previews.stack_file import Wish


def wish_told(engine: PreviewEngine, name: str, now: datetime) -> Wish:
    """What a stack tells of itself, as its stack file would be asked for anew."""
    found = told(engine, name)
    return Wish(
        name=name,
        branch=found.branch if found else "unknown",
        commit=found.commit if found else None,
        created_at=found.created_at if found else now,
        expires_at=found.expires_at if found else now,
        branch_seen_at=found.branch_seen_at if found else None,
        training=found.training if found else False,
    )
