"""Draws values once; they stay until one of their inputs changes."""

import base64
import secrets
import string
from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import override

from rehearsal.errors import RehearsalError
from rehearsal.plugins.known import Known, RefusedError
from rehearsal.plugins.stand_in.kind import Catalogue, Kind, Properties, Resource
from rehearsal.plugins.stand_in.rules import Rules, words

# The official plugin's, which are Terraform's.
SPECIAL = "!@#$%&*()-_=+[]{}<>:?"
CLASSES = {
    "lower": (string.ascii_lowercase, "minLower"),
    "upper": (string.ascii_uppercase, "minUpper"),
    "numeric": (string.digits, "minNumeric"),
    "special": (SPECIAL, "minSpecial"),
}


class Drawn(Kind):
    """A value that exists in the state only."""

    @abstractmethod
    def draw(self, inputs: Properties) -> tuple[str, Properties]:
        """Give an id, and the outputs."""

    @override
    def create(self, resource: Resource) -> Known:
        drawn_id, outputs = self.draw(resource.inputs)
        return Known(drawn_id, resource.inputs | outputs, resource.inputs)

    @override
    def read(self, resource: Resource) -> Known | None:
        if not resource.old_state:
            raise RefusedError(f"{self.token} {resource.name}: a drawn value cannot be imported")
        return Known(resource.id, resource.old_state, resource.inputs)

    @override
    def update(self, resource: Resource) -> Known:
        return Known(resource.id, resource.old_state | resource.inputs, resource.inputs)

    @override
    def delete(self, resource: Resource) -> None:
        del resource


class RandomPassword(Drawn):
    """A text of `length` characters; its bcrypt hash, which the official one has, is not made."""

    token = "random:index/randomPassword:RandomPassword"  # noqa: S105 - a type's name
    rules = Rules(
        words("length keepers lower upper numeric number special overrideSpecial minLower")
        | words("minUpper minNumeric minSpecial"),
        replacing=words("length keepers lower upper numeric number special overrideSpecial")
        | words("minLower minUpper minNumeric minSpecial"),
        secrets=words("result"),
    )
    computed = words("result")

    @override
    def problems(self, inputs: Properties) -> Mapping[str, str]:
        length = inputs.get("length")
        least = sum(_number(inputs.get(least)) for _, least in CLASSES.values())
        if isinstance(length, int) and length < max(1, least):
            return {"length": f"{length} is below what the minima add up to, {least}"}
        return {} if _alphabets(inputs) else {"lower": "no kind of character is left"}

    @override
    def draw(self, inputs: Properties) -> tuple[str, Properties]:
        alphabets = _alphabets(inputs)
        drawn = [
            secrets.choice(alphabet)
            for name, alphabet in alphabets.items()
            for _ in range(_number(inputs.get(CLASSES[name][1])))
        ]
        everything = "".join(alphabets.values())
        drawn += [secrets.choice(everything) for _ in range(_number(inputs["length"]) - len(drawn))]
        secrets.SystemRandom().shuffle(drawn)
        return "none", {"result": "".join(drawn)}


class RandomId(Drawn):
    """Bytes, in several spellings."""

    token = "random:index/randomId:RandomId"  # noqa: S105 - a type's name
    rules = Rules(words("byteLength keepers prefix"), replacing=words("byteLength keepers prefix"))
    computed = words("hex dec b64Std b64Url")

    @override
    def draw(self, inputs: Properties) -> tuple[str, Properties]:
        drawn = secrets.token_bytes(_number(inputs["byteLength"]))
        prefix = str(inputs.get("prefix") or "")
        url = base64.urlsafe_b64encode(drawn).decode().rstrip("=")
        spelled = {
            "hex": drawn.hex(),
            "dec": str(int.from_bytes(drawn)),
            "b64Std": base64.b64encode(drawn).decode(),
            "b64Url": url,
        }
        return url, {name: f"{prefix}{value}" for name, value in spelled.items()}


class RandomCatalogue(Catalogue):
    """The types known here."""

    kinds: ClassVar[Mapping[str, Kind]] = {
        kind.token: kind for kind in (RandomPassword(), RandomId())
    }

    @override
    def configure(self, variables: Mapping[str, str]) -> None:
        del variables

    @override
    def kind(self, token: str) -> Kind:
        if token in self.kinds:
            return self.kinds[token]
        raise RehearsalError(
            f"the stand-in for pulumi-resource-random knows no {token}",
            f"it knows {', '.join(self.kinds)}",
            "install the official random plugin",
        )


def _alphabets(inputs: Mapping[str, object]) -> dict[str, str]:
    """The characters of each kind that is allowed; each kind is, unless the program says no."""
    found = {}
    for name, (alphabet, _) in CLASSES.items():
        stated = inputs.get(name, inputs.get("number") if name == "numeric" else None)
        own = str(inputs.get("overrideSpecial") or alphabet) if name == "special" else alphabet
        if stated is not False:
            found[name] = own
    return found


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
