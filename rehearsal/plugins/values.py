"""Property values as the engine sends them, and back: secrets, unknowns, whole numbers.

On the wire a secret is an object with a signature, an unknown a string that stands for its type,
and every number a double (sdk/go/common/resource/plugin/rpc.go). Here a secret is a `Secret`, an
unknown is `UNKNOWN`, and a whole number an int, which is what the Kubernetes API wants.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from google.protobuf import struct_pb2  # type: ignore[import-untyped]  # protobuf ships no types

SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the engine's mark, no password
UNKNOWN_ON_WIRE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWNS_ON_WIRE = frozenset(
    {
        UNKNOWN_ON_WIRE,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)


@dataclass(frozen=True)
class Secret:
    """A value that the engine encrypts in the state and never shows."""

    value: object

    def __repr__(self) -> str:
        return "Secret(...)"


class Unknown:
    """A value that is known only after `up`."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


def decoded(struct: struct_pb2.Struct) -> dict[str, object]:
    """What the engine sent; nulls in objects are left out, as the API server would."""
    fields = {key: _decoded(value) for key, value in struct.fields.items()}
    return {key: value for key, value in fields.items() if value is not None}


def encoded(values: Mapping[str, object]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(_lowered(values))
    return struct


def plain(value: object) -> object:
    """The value without secret marks; never to be shown."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def holds(value: object, kind: type[Secret | Unknown]) -> bool:
    """Whether a secret, or an unknown, is anywhere in the value."""
    if isinstance(value, kind):
        return True
    if isinstance(value, Secret):
        return holds(value.value, kind)
    if isinstance(value, dict):
        return any(holds(item, kind) for item in value.values())
    return isinstance(value, list) and any(holds(item, kind) for item in value)


def secret_texts(value: object, *, is_secret: bool = False) -> Iterator[str]:
    """Every text inside a secret: what a message must not repeat."""
    if isinstance(value, Secret):
        yield from secret_texts(value.value, is_secret=True)
    elif isinstance(value, dict):
        for item in value.values():
            yield from secret_texts(item, is_secret=is_secret)
    elif isinstance(value, list):
        for item in value:
            yield from secret_texts(item, is_secret=is_secret)
    elif is_secret and isinstance(value, str) and value:
        yield value


def with_secrets_of(outputs: dict[str, object], inputs: Mapping[str, object]) -> dict[str, object]:
    """`outputs`, each value secret whose input is; a list is secret as a whole.

    A list may come back in another order, so its secret element cannot be told from the others.
    """
    return {key: _marked(value, inputs.get(key)) for key, value in outputs.items()}


def _marked(output: object, given: object) -> object:
    if isinstance(output, dict) and isinstance(given, dict):
        return with_secrets_of(output, given)
    if holds(given, Secret) and not isinstance(output, Secret):
        return Secret(output)
    return output


def _decoded(value: struct_pb2.Value) -> object:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _decoded_object(value.struct_value)
    if kind == "list_value":
        return [_decoded(item) for item in value.list_value.values]
    if kind == "number_value":
        number = float(value.number_value)
        return int(number) if number.is_integer() else number
    if kind == "string_value":
        return UNKNOWN if value.string_value in UNKNOWNS_ON_WIRE else str(value.string_value)
    return bool(value.bool_value) if kind == "bool_value" else None


def _decoded_object(struct: struct_pb2.Struct) -> object:
    fields = decoded(struct)
    if fields.get(SIGNATURE_KEY) == SECRET_SIGNATURE:
        return Secret(fields.get("value"))
    return fields


def _lowered(value: object) -> object:
    if isinstance(value, Secret):
        return {SIGNATURE_KEY: SECRET_SIGNATURE, "value": _lowered(value.value)}
    if isinstance(value, Unknown):
        return UNKNOWN_ON_WIRE
    if isinstance(value, Mapping):
        return {key: _lowered(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_lowered(item) for item in value]
    return value
