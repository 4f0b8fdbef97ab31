"""Every command of a real server, told on a key, as the server itself describes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import redis


@dataclass(frozen=True)
class Told:
    """A command with as many words as it asks for, each key of it the same one."""

    name: str
    words: tuple[str, ...]
    categories: frozenset[str]
    keyed: bool
    """Whether it names a key at all."""


def commands(server: "redis.Redis", key: str) -> list[Told]:
    """Return all commands and subcommands."""
    # Redis-py's reading of the answer leaves out where keys stand.
    server.response_callbacks.pop("COMMAND", None)
    return [told for each in server.execute_command("COMMAND") for told in _told(each, key)]


def allowed(server: "redis.Redis", user: str, *words: str) -> bool:
    """Ask the server whether a user may; nothing is run."""
    return str(server.execute_command("ACL", "DRYRUN", user, *words)) == "OK"


def _told(described: Any, key: str) -> Iterator[Told]:
    name, arity, *_, categories, _, specs, parts = described
    if parts:
        for part in parts:
            yield from _told(part, key)
        return
    words = name.split("|")
    words += [key] * (abs(arity) - len(words))
    for spec in specs:
        _fill(words, spec, key)
    plain = frozenset(category.removeprefix("@") for category in categories)
    # Where it names no key, a shard's channel stands there, or a cluster's slot.
    keyed = any("not_key" not in spec["flags"] for spec in specs)
    yield Told(name, tuple(words), plain, keyed)


def _fill(words: list[str], spec: Any, key: str) -> None:
    """Put in how many keys come, or the word before them, where a command wants that."""
    begins = spec["begin_search"]
    if begins["type"] == "keyword":
        words += [begins["spec"]["keyword"], key, key]
    elif spec["find_keys"]["type"] == "keynum":
        at = begins["spec"]["index"]
        words += [key] * (at + 2 - len(words))
        words[at] = "1"
