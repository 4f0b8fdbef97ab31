"""How one AWS resource type is written down: the calls that make, read, change and end it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from rehearsal.plugins.aws_provider.deed import Deed
from rehearsal.plugins.stand_in.rules import AutoName, Rules, words


@dataclass(frozen=True)
class Call:
    """One boto3 method, and what it is given."""

    method: str
    fixed: Mapping[str, object] = field(default_factory=dict)
    """Parameters; `{name}` in a text is that property's value, `{id}` the resource's id."""
    result: str = ""
    """Where in the answer the description is: `Vpcs.0`."""


Step = Callable[[Deed], object]
"""What one call cannot say."""


@dataclass(frozen=True)
class Update:
    """How some properties are changed in place."""

    properties: str
    call: Call | Step
    each: bool = False
    """One call for each property: AWS takes one at a time."""
    whole: bool = False
    """Whether every property that the call takes goes along, changed or not."""
    after_creation: bool = False
    """Whether a resource made by a step needs it too; a call takes what it has parameters for."""


@dataclass(frozen=True)
class Tagging:
    """How tags are changed, and read where the description does not have them."""

    tag: Call
    untag: Call
    listing: Call | None = None
    key: str = "Tags"
    """Where the description or the listing has them."""


@dataclass(frozen=True)
class Spec:
    """One resource type; every property it knows is named in one of its fields."""

    token: str
    service: str
    create: Call | Step
    """A step answers the id."""
    read: Call | Step
    """A step answers a description, None if there is none."""
    delete: Call | Step
    id: str = ""
    """The id: a template of properties, or a path in the answer to `create`."""
    replacing: str = ""
    """Properties, or paths below one, that cannot be changed in place."""
    updates: tuple[Update, ...] = ()
    silent: str = ""
    """Properties that steer the provider only."""
    defaults: Mapping[str, object] = field(default_factory=dict)
    renames: Mapping[str, str] = field(default_factory=dict)
    """Pulumi's name of a property, or of one below, to AWS's."""
    reads: Mapping[str, str] = field(default_factory=dict)
    """Where the description has a property, if not under its name; empty: it is not told."""
    secrets: str = ""
    documents: str = ""
    unordered: str = ""
    auto_name: AutoName | None = None
    tags: Tagging | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    """Computed property to its path in the description, or to a template of properties."""
    ready: tuple[str, tuple[str, ...]] | None = None
    """Where the description has its status, and which values end the wait."""
    gone: tuple[str, tuple[str, ...]] | None = None
    """Likewise after the deletion; without it, until nothing is described."""
    delete_first: bool = False
    stays: bool = False
    """Whether what is described goes on existing when the resource has ended."""
    finish: Step | None = None
    """Done last, after it was made and after each change."""
    problems: Callable[[Mapping[str, object]], Mapping[str, str]] | None = None

    @cached_property
    def rules(self) -> Rules:
        replacing, silent = words(self.replacing), words(self.silent)
        updated = frozenset().union(*(words(update.properties) for update in self.updates))
        properties = {name.split(".")[0] for name in replacing} | silent | updated
        if self.tags:
            properties |= {"tags"}
        if self.service not in GLOBAL:
            properties |= {"region"}
        return Rules(
            frozenset(properties),
            replacing,
            self.defaults,
            words(self.secrets),
            words(self.documents),
            words(self.unordered),
            silent,
            self.auto_name,
            delete_first=self.delete_first,
        )

    @property
    def title(self) -> str:
        """The type without its package, for messages."""
        _, module, name = self.token.split(":")
        return f"{module.split('/')[0]} {name}"


# Services without regions.
GLOBAL = frozenset({"iam", "budgets"})
