"""The stack that a preview lives beside, as its file states it and as it told once it was up."""

from fleet.previews.engine import PreviewEngine
from fleet.previews.place import Place
from fleet.previews.stack_file import Base
from fleet.stack_file import secrets_provider
from infra.config import raw_keys
from infra.models.base_contract import base_contract
from rehearsal.errors import RehearsalError


def base_of(place: Place, engine: PreviewEngine) -> Base:
    """Read a base's stack file and its output `base`.

    Raises:
        RehearsalError: it tells none, or of another version than this program reads.

    """
    path = place.project.stack_file(place.base)
    try:
        told = base_contract(place.base, engine.output(place.base, "base"))
    except ValueError as error:
        raise RehearsalError(
            what=f"stack {place.base} cannot have previews now",
            why=str(error),
            mend="bring the base up as it says, then run this again",
            where=path,
        ) from error
    return Base(place.base, raw_keys(path), place.config, told, secrets_provider(path))


def worker_image(place: Place, engine: PreviewEngine) -> str | None:
    """The image of the base's workers; None where it tells none, or is gone."""
    try:
        return base_of(place, engine).told.images.get("cpu")
    except RehearsalError:
        return None
