"""What the inputs of a resource would be, had its program asked for the object as it is now.

Only fields that the inputs name are looked at, as in the official provider: what the API server
fills in, or another owner adds (KEDA's replicas), is no drift. Values that mean the same to the API
server, though written differently there (1000m and 1, an empty list and none), stay as the program
wrote them.
"""

import base64
import binascii
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from rehearsal.plugins.difference import is_same
from rehearsal.plugins.kubernetes_provider.objects import Kind, Manifest, mapping, text
from rehearsal.plugins.paths import MISSING

# What tells the elements of a list apart, in the order of preference (the API's own merge keys).
MERGE_KEYS = ("name", "mountPath", "containerPort", "port", "topologyKey")
# Fields whose values, or whose children's, are quantities.
QUANTITY_FIELDS = {
    "resources",
    "capacity",
    "hard",
    "sizeLimit",
    "divisor",
    "overhead",
    "allocatable",
}
EMPTY: tuple[object, ...] = (None, "", 0, False, [], {})
# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
SUFFIXES = {
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)},
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", start=1)},
    "m": Decimal("1e-3"),
    "u": Decimal("1e-6"),
    "n": Decimal("1e-9"),
}
Fields = tuple[str, ...]


def projected(inputs: Manifest, live: Manifest, kind: Kind) -> Manifest:
    """The live object in the shape of `inputs`, both without secret marks."""
    if (kind.group, kind.name) == ("", "Secret"):
        live = _in_the_words_of(inputs, live)
    result = _Projection(lenient=kind.is_built_in).of((), inputs, live)
    return dict(mapping(result))


class _Projection:
    def __init__(self, *, lenient: bool) -> None:
        # The API server leaves out empty fields of its own kinds, never of custom resources.
        self._lenient = lenient

    def of(self, path: Fields, wanted: object, live: object) -> object:
        if live is MISSING:
            return wanted if self._lenient and is_empty(wanted) else MISSING
        if isinstance(wanted, dict) and isinstance(live, dict):
            return self._of_object(path, wanted, live)
        if isinstance(wanted, list) and isinstance(live, list):
            return self._of_list(path, wanted, live)
        return wanted if means_the_same(path, wanted, live) else live

    def _of_object(
        self, path: Fields, wanted: Mapping[str, object], live: Mapping[str, object]
    ) -> object:
        found = {
            key: self.of((*path, key), value, live.get(key, MISSING))
            for key, value in wanted.items()
        }
        return {key: value for key, value in found.items() if value is not MISSING}

    def _of_list(self, path: Fields, wanted: list[object], live: list[object]) -> object:
        if path == ("metadata", "finalizers"):
            return [item for item in wanted if item in live]
        key = _merge_key(wanted, live)
        if key:
            by_key = {mapping(item)[key]: item for item in live}
            now = [by_key.get(mapping(item)[key], MISSING) for item in wanted]
            found = [self.of(path, mine, item) for mine, item in zip(wanted, now, strict=True)]
            return [item for item in found if item is not MISSING]
        kept = [self.of(path, mine, now) for mine, now in zip(wanted, live, strict=False)]
        return kept + live[len(wanted) :]


def means_the_same(path: Fields, wanted: object, live: object) -> bool:
    """Whether the API server would store `wanted` as `live`."""
    if is_same(wanted, live):
        return True
    if not QUANTITY_FIELDS.isdisjoint(path):
        quantity = _quantity(wanted)
        return quantity is not None and quantity == _quantity(live)
    return False


def is_empty(value: object) -> bool:
    return any(value == empty and type(value) is type(empty) for empty in EMPTY)


def _merge_key(wanted: list[object], live: list[object]) -> str | None:
    return next((key for key in MERGE_KEYS if _tells_apart(key, wanted, live)), None)


def _tells_apart(key: str, *lists: list[object]) -> bool:
    for items in lists:
        values = [mapping(item).get(key) for item in items]
        if None in values or len(set(map(str, values))) < len(values):
            return False
    return bool(lists[0])


def _quantity(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    written = str(value).strip()
    suffix = next((end for end in SUFFIXES if written.endswith(end)), "")
    try:
        return Decimal(written.removesuffix(suffix)) * SUFFIXES.get(suffix, Decimal(1))
    except InvalidOperation:
        return None


def _in_the_words_of(inputs: Manifest, live: Manifest) -> Manifest:
    """A Secret whose data are spelled as the program did: in `stringData`, or in its own base64."""
    data = dict(mapping(live.get("data")))
    for key, value in mapping(inputs.get("data")).items():
        if key in data and _bytes(value) == _bytes(data[key]):
            data[key] = value
    spelled = {
        key: _bytes(data.pop(key)).decode(errors="replace")
        for key in mapping(inputs.get("stringData"))
        if key in data
    }
    return live | {"data": data} | ({"stringData": spelled} if "stringData" in inputs else {})


def _bytes(encoded: object) -> bytes:
    try:
        return base64.b64decode("".join(text(encoded).split()))
    except binascii.Error:
        return text(encoded).encode()
