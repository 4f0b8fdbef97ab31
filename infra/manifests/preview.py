"""How a preview tells whoever looks at its namespace, or at its stack, which branch it is of."""

from infra.manifests import Manifest
from infra.models.fleet import FleetConfig

_DOMAIN = "celery-fleet.dev"


def preview_marks(config: FleetConfig) -> Manifest:
    """Annotations of the namespace; nothing where it is no preview's."""
    if config.preview is None:
        return {}
    # A branch's name is no label's value: it may have 250 characters, and any letters.
    told = {f"{_DOMAIN}/preview-{_dashed(key)}": value for key, value in preview_told(config)}
    return {"annotations": told}


def preview_told(config: FleetConfig) -> list[tuple[str, str]]:
    """What a preview is, by key of its stack file."""
    if config.preview is None:
        return []
    told = config.preview.model_dump(mode="json", by_alias=True, exclude_none=True)
    return [(key, str(value)) for key, value in told.items()]


def _dashed(key: str) -> str:
    """`createdAt` -> `created-at`."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in key)
