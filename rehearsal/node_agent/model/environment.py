"""Where a container's environment variables come from."""

from rehearsal.node_agent.model.base import Read


class KeyReference(Read):
    """One key of a ConfigMap or a Secret."""

    name: str = ""
    key: str
    optional: bool = False


class FieldReference(Read):
    field_path: str


class ResourceReference(Read):
    resource: str
    container_name: str = ""
    divisor: str = "0"
    """A quantity; Kubernetes reads 0 as 1."""


class ValueSource(Read):
    config_map_key_ref: KeyReference | None = None
    secret_key_ref: KeyReference | None = None
    field_ref: FieldReference | None = None
    resource_field_ref: ResourceReference | None = None


class EnvVar(Read):
    name: str
    value: str = ""
    value_from: ValueSource | None = None


class ObjectReference(Read):
    """A whole ConfigMap or Secret."""

    name: str = ""
    optional: bool = False


class EnvFrom(Read):
    prefix: str = ""
    config_map_ref: ObjectReference | None = None
    secret_ref: ObjectReference | None = None
