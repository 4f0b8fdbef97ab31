"""The previews that there are: which branch each is of, how old, until when, at what cost."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import ValidationError

from fleet.previews.cost import Cost, cost
from fleet.previews.place import Place
from fleet.project import Project
from infra.config import ConfigError, load_file
from infra.models.fleet import FleetConfig
from infra.models.preview import PreviewSpec
from rehearsal.errors import RehearsalError

if TYPE_CHECKING:
    from fleet.previews.engine import PreviewEngine, Summary

_OWN_RESOURCES = 1
"""The stack itself."""


@dataclass(frozen=True)
class Preview:
    """One preview as its stack file or its stack tells it, or both."""

    name: str
    told: PreviewSpec | None
    """None where it was cut short before it could tell."""
    config: FleetConfig | None
    """Of its stack file, where this checkout has it."""
    resources: int
    at_work: bool
    """Whether some Pulumi holds it."""

    @property
    def cost(self) -> Cost:
        return cost(self.config) if self.config else Cost(None, None)

    def state(self, now: datetime) -> str:
        """What becomes of it, in a word or two."""
        if self.at_work:
            return "at work"
        if self.resources <= _OWN_RESOURCES:
            return "empty"
        if self.told is None:
            return "half made"
        return "expired" if self.told.expires_at <= now else "up"


def previews(place: Place, engine: "PreviewEngine") -> list[Preview]:
    """Every preview beside one base, and those that cannot tell beside which they are."""
    found = (_preview(place, engine, *each) for each in engine.previews().items())
    return [one for one in found if one.told is None or one.told.base == place.base]


def own_file(project: Project, name: str) -> FleetConfig | None:
    """A preview's stack file; None where there is none, or a broken one."""
    path = project.stack_file(name)
    try:
        return load_file(path) if path.is_file() else None
    except ConfigError:
        return None


def marks(
    project: Project, engine: "PreviewEngine", name: str, base: str | None = None
) -> PreviewSpec | None:
    """What is known of a preview: of what its stack and its stack file here tell, the later.

    Another checkout, as CI's, may have brought it up since this one wrote the file.

    Args:
        project: the checkout.
        engine: of the state backend.
        name: the preview's.
        base: beside which it has to be, if it is anywhere.

    Raises:
        RehearsalError: it is beside another base.

    """
    own = own_file(project, name)
    found = [each for each in (told(engine, name), own.preview if own else None) if each]
    for each in found:
        if base not in {None, each.base}:
            raise elsewhere(name, each.base)
    return max(found, key=lambda each: each.expires_at, default=None)


def elsewhere(name: str, base: str) -> RehearsalError:
    """Say beside which base a preview is, to whoever means it beside another."""
    return RehearsalError(
        what=f"preview {name} lives beside {base}",
        why="its namespace and its keys are there, and a branch has one preview at a time",
        mend=f"name that base: --base {base}; to move it, take it down there first",
    )


def _preview(place: Place, engine: "PreviewEngine", name: str, listed: "Summary") -> Preview:
    config = own_file(place.project, name)
    found = marks(place.project, engine, name)
    return Preview(name, found, config, listed.resources, listed.at_work)


def told(engine: "PreviewEngine", name: str) -> PreviewSpec | None:
    """What the stack tells of itself, where another checkout has made it."""
    try:
        return PreviewSpec.model_validate(engine.output(name, "preview"))
    except ValidationError:
        return None
