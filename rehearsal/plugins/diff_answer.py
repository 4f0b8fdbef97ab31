"""Puts the fields that differ into the engine's message."""

from collections.abc import Callable, Mapping, Sequence

from pulumi.runtime.proto import provider_pb2 as pb

from rehearsal.plugins.difference import Change, FieldChange
from rehearsal.plugins.paths import Path

_IN_PLACE: Mapping[Change, pb.PropertyDiff.Kind.ValueType] = {
    "add": pb.PropertyDiff.ADD,
    "delete": pb.PropertyDiff.DELETE,
    "update": pb.PropertyDiff.UPDATE,
}
_REPLACING: Mapping[Change, pb.PropertyDiff.Kind.ValueType] = {
    "add": pb.PropertyDiff.ADD_REPLACE,
    "delete": pb.PropertyDiff.DELETE_REPLACE,
    "update": pb.PropertyDiff.UPDATE_REPLACE,
}


def diff_answer(
    found: Sequence[FieldChange],
    is_replacing: Callable[[Path], bool],
    *,
    is_due: bool = False,
    delete_first: bool = False,
) -> pb.DiffResponse:
    """What an update would do; no value is put into the answer.

    Args:
        found: the fields that differ.
        is_replacing: whether a changed field takes a new resource.
        is_due: an update is due even where no field differs.
        delete_first: old and new cannot exist side by side.

    """
    replacing = [change for change in found if is_replacing(change.path)]
    detailed = {
        str(change): pb.PropertyDiff(
            kind=(_REPLACING if change in replacing else _IN_PLACE)[change.change], inputDiff=True
        )
        for change in found
    }
    is_some = bool(found) or is_due
    return pb.DiffResponse(
        changes=pb.DiffResponse.DIFF_SOME if is_some else pb.DiffResponse.DIFF_NONE,
        diffs=list(dict.fromkeys(str(change.path[0]) for change in found)),
        replaces=[str(change) for change in replacing],
        detailedDiff=detailed,
        hasDetailedDiff=True,
        deleteBeforeReplace=bool(replacing) and delete_first,
    )
