"""One thing to do for one resource: what it is asked to be, and the clients to do it with."""

from dataclasses import dataclass, field, replace
from typing import Any

from rehearsal.plugins.aws_provider.clients import Clients
from rehearsal.plugins.stand_in.kind import Properties, Resource


@dataclass(frozen=True)
class Deed:
    """What a step works with."""

    clients: Clients
    service: str
    resource: Resource
    id: str = ""
    description: Properties = field(default_factory=dict)
    """What AWS told last."""
    computed: Properties = field(default_factory=dict)
    """The outputs that follow from it."""

    @property
    def aws(self) -> Any:  # noqa: ANN401 - a boto3 client, whose methods are made at run time
        return self.clients.client(self.service)

    @property
    def values(self) -> Properties:
        """Every property known: those asked for, over those computed at the last `up`."""
        resource = self.resource
        known = resource.old_state | self.computed | resource.old_inputs | resource.inputs
        here = {"region": self.clients.region, "account": self.clients.account}
        return known | here | {"id": self.id}

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return "" if value is None else str(value)

    def of(self, pulumi_id: str) -> "Deed":
        """The same deed once the id is known."""
        return replace(self, id=pulumi_id)


def filled(value: object, values: Properties) -> object:
    """Texts with each `{property}` filled in, however deep."""
    if isinstance(value, str):
        return value.format_map(values) if "{" in value else value
    if isinstance(value, dict):
        return {key: filled(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, values) for item in value]
    return value
