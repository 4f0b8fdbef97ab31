"""What a preview was asked for, where this checkout does not have its stack file."""

from datetime import datetime

from fleet.previews.stack_file import Wish
from infra.models.preview import PreviewSpec


def wish_told(name: str, found: PreviewSpec | None, now: datetime) -> Wish:
    """What is known of a preview, as its stack file would be asked for anew."""
    return Wish(
        name=name,
        branch=found.branch if found else "unknown",
        commit=found.commit if found else None,
        created_at=found.created_at if found else now,
        expires_at=found.expires_at if found else now,
        branch_seen_at=found.branch_seen_at if found else None,
        training=found.training if found else False,
    )
