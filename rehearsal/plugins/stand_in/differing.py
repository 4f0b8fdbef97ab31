"""Tells the engine what an update would change, and whether it takes a new resource."""

from collections.abc import Iterator

from pulumi.runtime.proto import provider_pb2 as pb

from rehearsal.plugins.diff_answer import diff_answer
from rehearsal.plugins.difference import FieldChange, changes
from rehearsal.plugins.stand_in.checking import is_auto_named
from rehearsal.plugins.stand_in.kind import Properties
from rehearsal.plugins.stand_in.rules import DEFAULTED, Rules


def changed(rules: Rules, old: Properties, new: Properties) -> frozenset[str]:
    """The properties that differ in meaning."""
    names = (old.keys() | new.keys()) - {DEFAULTED} - rules.silent
    return frozenset(
        name for name in names if not rules.is_same(name, old.get(name), new.get(name))
    )


def difference(
    rules: Rules, old: Properties, new: Properties, *, is_unfinished: bool
) -> pb.DiffResponse:
    """What an update would do; values are plain, and none is put into the answer.

    Args:
        rules: of the resource's type.
        old: the inputs of the last `up`.
        new: the inputs of this one.
        is_unfinished: the last `up` left it unfinished, so that an update is due anyway.

    """
    return diff_answer(
        list(_changes(rules, old, new)),
        rules.is_replacing,
        is_due=is_unfinished,
        delete_first=_needs_the_name(rules, old, new),
    )


def configuration_difference(
    old: Properties, new: Properties, replacing: frozenset[str]
) -> pb.DiffResponse:
    """Whether the provider's configuration means other resources now."""
    keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    return pb.DiffResponse(
        changes=pb.DiffResponse.DIFF_SOME if keys else pb.DiffResponse.DIFF_NONE,
        diffs=keys,
        replaces=[key for key in keys if key in replacing and key in old],
    )


def _changes(rules: Rules, old: Properties, new: Properties) -> Iterator[FieldChange]:
    for name in sorted(changed(rules, old, new)):
        before = {name: old[name]} if name in old else {}
        after = {name: new[name]} if name in new else {}
        yield from changes(before, after)


def _needs_the_name(rules: Rules, old: Properties, new: Properties) -> bool:
    """Whether both would bear the one name that the program gave."""
    if rules.delete_first:
        return True
    name = rules.auto_name.property if rules.auto_name else ""
    return bool(name) and old.get(name) == new.get(name) and not is_auto_named(rules, new)
