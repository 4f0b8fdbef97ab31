"""Makes the calls that a spec writes down."""

from collections.abc import Iterable, Mapping

from rehearsal.plugins.aws_provider.deed import Deed, filled
from rehearsal.plugins.aws_provider.descriptions import found_at
from rehearsal.plugins.aws_provider.parameters import converted, member_of, structure
from rehearsal.plugins.aws_provider.spec import Call, Spec, Step, Update
from rehearsal.plugins.stand_in.kind import Properties
from rehearsal.plugins.stand_in.rules import words


def parameters(spec: Spec, call: Call, deed: Deed, names: Iterable[str]) -> Properties:
    """The call's parameters: the fixed ones, and each named property that the call takes."""
    shape = deed.clients.operation(deed.service, call.method).input_shape
    found: Properties = {name: filled(value, deed.values) for name, value in call.fixed.items()}
    for name in sorted(names):
        member = member_of(shape, name, spec.renames) if shape else None
        value = deed.resource.inputs.get(name)
        if member is not None and shape and value is not None:
            where = f"{spec.title} {name}"
            found[member] = converted(shape.members[member], value, spec.renames, where)
    return found


def perform(spec: Spec, call: Call | Step, deed: Deed, names: Iterable[str] = ()) -> object:
    """Make the call, or take the step; the description at the call's `result`."""
    if not isinstance(call, Call):
        return call(deed)
    given = parameters(spec, call, deed, names)
    return found_at(getattr(deed.aws, call.method)(**given), call.result)


def taken_at_creation(spec: Spec, deed: Deed) -> frozenset[str]:
    """The properties that the creating call itself takes."""
    if not isinstance(spec.create, Call):
        left = [update.properties for update in spec.updates if update.after_creation]
        return spec.rules.properties - words(" ".join(left)) - {"tags"}
    shape = deed.clients.operation(deed.service, spec.create.method).input_shape
    names = spec.rules.properties - {"region"}
    return frozenset(name for name in names if shape and member_of(shape, name, spec.renames))


def change(spec: Spec, update: Update, deed: Deed, changed: frozenset[str]) -> None:
    """Bring the changed properties about, those of them that this update is for."""
    mine = [name for name in update.properties.split() if name in changed]
    if not mine:
        return
    if update.each:
        for name in mine:
            perform(spec, update.call, deed, [name])
    else:
        names = spec.rules.properties - {"tags"} if update.whole else mine
        perform(spec, update.call, deed, names)


def structured(
    deed: Deed, method: str, given: Properties, renames: Mapping[str, str]
) -> Properties:
    """Properties as parameters of a method that a step calls itself."""
    shape = deed.clients.operation(deed.service, method).input_shape
    found: Properties = structure(shape, given, renames, method)
    return found
