"""Turns a program's properties into the parameters of an AWS call, led by botocore's own model.

Pulumi writes `metadataOptions.httpTokens`, EC2 `MetadataOptions.HttpTokens`, and EKS writes as
Pulumi does. The model of the call knows each name and type: only real renames have to be stated.
"""

from collections.abc import Mapping

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.validate import ParamValidator

from rehearsal.plugins.known import RefusedError

# A list of such pairs is a map to Pulumi: tags, dimensions.
PAIRS = (("Key", "Value"), ("key", "value"), ("TagKey", "TagValue"), ("Name", "Value"))


def member_of(shape: StructureShape, name: str, renames: Mapping[str, str]) -> str | None:
    """The parameter a property goes to; AWS's spelling differs by its capitals only."""
    wanted = renames.get(name, name).lower()
    return next((member for member in shape.members if member.lower() == wanted), None)


def converted(
    shape: Shape, value: object, renames: Mapping[str, str], where: str = "parameters"
) -> object:
    """A value of the program in the form the model asks for; RefusedError for unknown names."""
    if isinstance(shape, StructureShape):
        return _unwrapped(shape, value, renames, where)
    if isinstance(shape, ListShape):
        return _list(shape, value, renames, where)
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: converted(shape.value, item, {}, where) for key, item in value.items()}
    return _scalar(shape.type_name, value)


def pascal(name: str) -> str:
    """A property's name as most services write it."""
    return name[:1].upper() + name[1:]


def refusal(shape: StructureShape | None, parameters: Mapping[str, object]) -> str:
    """What botocore finds wrong with the parameters; empty when nothing."""
    if shape is None:
        return ""
    return str(ParamValidator().validate(parameters, shape).generate_report())


def _unwrapped(
    shape: StructureShape, value: object, renames: Mapping[str, str], where: str
) -> object:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        return structure(shape, value, renames, where)
    # A wrapped scalar: ec2's AttributeBooleanValue.
    only = next(iter(shape.members)) if len(shape.members) == 1 else None
    return {only: converted(shape.members[only], value, {}, where)} if only else value


def structure(
    shape: StructureShape, value: Mapping[str, object], renames: Mapping[str, str], where: str
) -> dict[str, object]:
    """Properties as the fields of a structure; RefusedError for one that it does not have."""
    found: dict[str, object] = {}
    for name, item in value.items():
        member = member_of(shape, name, renames)
        if member is None:
            raise RefusedError(f"{where}.{name}: AWS's {shape.name} has no such field")
        found[member] = converted(shape.members[member], item, renames, f"{where}.{name}")
    return found


def _list(shape: ListShape, value: object, renames: Mapping[str, str], where: str) -> object:
    pair = _pair(shape.member)
    if isinstance(value, dict) and pair:
        key, item = pair
        return [{key: name, item: _text(text)} for name, text in value.items()]
    items = value if isinstance(value, list) else [value]
    return [
        converted(shape.member, item, renames, f"{where}[{index}]")
        for index, item in enumerate(items)
    ]


def _pair(shape: Shape) -> tuple[str, str] | None:
    if not isinstance(shape, StructureShape):
        return None
    return next((pair for pair in PAIRS if set(pair) == set(shape.members)), None)


def _scalar(type_name: str, value: object) -> object:
    if type_name == "boolean" and isinstance(value, str):
        return value == "true"
    if type_name in ("integer", "long") and isinstance(value, str | float):
        return _number(value)
    if type_name in ("double", "float") and isinstance(value, str | int):
        return float(value)
    return _text(value) if type_name == "string" and not isinstance(value, dict | list) else value


def _number(value: str | float) -> object:
    try:
        return int(value)
    except ValueError:
        return value


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
