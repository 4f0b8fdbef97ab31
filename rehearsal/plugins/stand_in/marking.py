"""Keeps secrets secret: in the state, and out of messages."""

from rehearsal.plugins.stand_in.kind import Properties
from rehearsal.plugins.stand_in.rules import Rules
from rehearsal.plugins.values import Secret, plain, secret_texts, with_secrets_of

UNFINISHED = "__unfinished"
"""Marks the state of a resource that exists but is not as asked for."""


def marked(rules: Rules, values: Properties, inputs: Properties) -> Properties:
    """The values, each secret whose input is, or whose type's rules say so."""
    found = with_secrets_of(values, inputs)
    return found | {
        name: Secret(found[name])
        for name in rules.secrets & found.keys()
        if found[name] is not None and not isinstance(found[name], Secret)
    }


def plain_properties(values: Properties) -> Properties:
    """The values without secret marks; never to be shown."""
    return {name: plain(value) for name, value in values.items()}


def nested(values: Properties, more: Properties) -> Properties:
    """The values with more of them; a name with a dot is a field of one of them."""
    found = dict(values)
    for name, value in more.items():
        outer, _, inner = name.partition(".")
        within = found.get(outer)
        if inner:
            found[outer] = {**(within if isinstance(within, dict) else {}), inner: value}
        else:
            found[outer] = value
    return found


def censored(message: str, inputs: Properties) -> str:
    """A service's message, which may quote a parameter, without the secrets."""
    for secret in sorted(secret_texts(inputs), key=len, reverse=True):
        message = message.replace(secret, "[secret]")
    return message
