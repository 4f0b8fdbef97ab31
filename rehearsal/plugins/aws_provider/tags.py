"""Keeps a resource's tags as the program has them."""

from rehearsal.plugins.aws_provider.calling import parameters
from rehearsal.plugins.aws_provider.deed import Deed
from rehearsal.plugins.aws_provider.descriptions import as_map, found_at
from rehearsal.plugins.aws_provider.parameters import converted
from rehearsal.plugins.aws_provider.spec import Call, Spec

# AWS's own; no program may set them.
RESERVED = "aws:"


def retag(spec: Spec, deed: Deed) -> None:
    """Make the tags those asked for."""
    if spec.tags is None:
        return
    wanted, live = _wanted(deed), live_tags(spec, deed)
    if surplus := sorted(live.keys() - wanted.keys()):
        _send(spec, spec.tags.untag, deed, _keys(spec, surplus))
    if fresh := {key: text for key, text in wanted.items() if live.get(key) != text}:
        _send(spec, spec.tags.tag, deed, fresh)


def live_tags(spec: Spec, deed: Deed) -> dict[str, str]:
    """The tags that AWS tells of, without its own."""
    if spec.tags is None:
        return {}
    source: object = deed.description
    if listing := spec.tags.listing:
        source = getattr(deed.aws, listing.method)(**parameters(spec, listing, deed, ()))
    found = found_at(source, spec.tags.key)
    pairs = found if isinstance(found, dict) else _pairs(found)
    return {key: str(text) for key, text in pairs.items() if not key.startswith(RESERVED)}


def _pairs(found: object) -> dict[str, object]:
    """A list of pairs; EC2's own listing says more of each than that."""
    items = found if isinstance(found, list) else []
    own = [{key: item[key] for key in item if not key.startswith("Resource")} for item in items]
    return as_map(own) or {}


def _keys(spec: Spec, keys: list[str]) -> object:
    """EC2 wants pairs without a value, every other service the keys."""
    return [{"key": key} for key in keys] if spec.service == "ec2" else keys


def _wanted(deed: Deed) -> dict[str, str]:
    tags = deed.resource.inputs.get("tags")
    return {key: str(text) for key, text in tags.items()} if isinstance(tags, dict) else {}


def _send(spec: Spec, call: Call, deed: Deed, given: object) -> None:
    """Send tags, or the keys of those to remove, in the one parameter that is for them."""
    shape = deed.clients.operation(deed.service, call.method).input_shape
    free = next(name for name in shape.members if "tag" in name.lower())
    fixed = parameters(spec, call, deed, ())
    getattr(deed.aws, call.method)(**fixed, **{free: converted(shape.members[free], given, {})})
