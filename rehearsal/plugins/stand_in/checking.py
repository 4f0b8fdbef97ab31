"""Completes the inputs of a resource, and names what a stand-in does not know about them."""

from rehearsal.plugins.naming import Naming
from rehearsal.plugins.stand_in.kind import Kind, Properties
from rehearsal.plugins.stand_in.marking import plain_properties
from rehearsal.plugins.stand_in.rules import DEFAULTED, AutoName, Rules
from rehearsal.plugins.values import Secret, plain

# As the official providers: a name, a dash, seven digits.
SUFFIX_HEX_DIGITS = 7


def completed(rules: Rules, news: Properties, olds: Properties, by: Naming) -> Properties:
    """The inputs with defaults, a name and secret marks."""
    done = {key: value for key, value in news.items() if key != DEFAULTED}
    filled = [key for key in rules.defaults if key not in done]
    done |= {key: rules.defaults[key] for key in filled}
    if rules.auto_name and rules.auto_name.property not in done and not by.is_disabled:
        filled.append(rules.auto_name.property)
        done[rules.auto_name.property] = _kept(rules.auto_name, olds) or _made(rules.auto_name, by)
    done |= {
        key: Secret(done[key])
        for key in rules.secrets & done.keys()
        if not isinstance(done[key], Secret)
    }
    return done | {DEFAULTED: sorted(filled)}


def is_auto_named(rules: Rules, inputs: Properties) -> bool:
    """Whether old and new can exist side by side, as the provider chose the name."""
    if rules.auto_name is None:
        return True
    filled = inputs.get(DEFAULTED)
    return isinstance(filled, list) and rules.auto_name.property in filled


def problems(kind: Kind, stand_in: str, inputs: Properties) -> dict[str, str]:
    """What is wrong, by property; first of all what the stand-in would have to drop."""
    dropped = sorted(inputs.keys() - kind.rules.properties - {DEFAULTED})
    found = {name: f"{stand_in} knows no {name} of {kind.token}" for name in dropped}
    return found | dict(kind.problems(plain_properties(inputs)))


def _kept(name: AutoName, olds: Properties) -> str:
    filled = olds.get(DEFAULTED)
    is_made = isinstance(filled, list) and name.property in filled
    return str(plain(olds.get(name.property, ""))) if is_made else ""


def _made(name: AutoName, by: Naming) -> str:
    suffix = by.suffix(SUFFIX_HEX_DIGITS)
    # As the official bridge does: the logical part gives way to the service's limit.
    return by.proposed or f"{by.logical[: name.most - len(suffix)]}{suffix}"
