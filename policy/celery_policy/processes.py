"""Recognises Celery by the command line of a container, and reads what it says there."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from celery_policy.tree import Node

_SHELLS = frozenset({"sh", "bash", "dash", "ash"})
_SEPARATORS = frozenset({"&&", "||", ";", "|", "&"})
# Options before Celery's subcommand whose value is a word of its own.
_VALUED = frozenset(
    {"-A", "--app", "-b", "--broker", "--result-backend", "--loader", "--config", "--workdir"}
)
_REFERENCE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")
DEFAULT_QUEUE = "celery"
"""What a worker without `--queues` consumes (Celery's `task_default_queue`)."""


@dataclass(frozen=True)
class Process:
    """A Celery worker or beat, as its command line tells."""

    kind: Literal["worker", "beat"]
    options: tuple[str, ...]

    def option(self, *names: str) -> str | None:
        """Value of an option in any of its spellings; the last one wins, as for Celery."""
        found = None
        for word, following in zip(self.options, (*self.options[1:], ""), strict=True):
            for name in names:
                if word == name:
                    found = following
                elif name.startswith("--") and word.startswith(f"{name}="):
                    found = word.removeprefix(f"{name}=")
                elif not name.startswith("--") and word.startswith(name):
                    found = word.removeprefix(name)
        return found

    @property
    def queues(self) -> tuple[str, ...]:
        """What it consumes."""
        # Airflow's own command has `-q`.
        named = self.option("-Q", "--queues", "-q") or DEFAULT_QUEUE
        return tuple(queue.strip() for queue in named.split(",") if queue.strip())

    @property
    def time_limit_s(self) -> float | None:
        """Its hard limit, None where the command line states none."""
        stated = self.option("--time-limit")
        try:
            return float(stated) if stated else None
        except ValueError:
            return None

    @property
    def embeds_beat(self) -> bool:
        return self.kind == "worker" and ("-B" in self.options or "--beat" in self.options)


def process(container: Node) -> Process | None:
    """The Celery process of a container; None where it runs something else."""
    words = command_words(container)
    for index, word in enumerate(words):
        if PurePosixPath(word).name == "celery":
            return _process(words[index + 1 :])
    return None


def command_words(container: Node) -> list[str]:
    """`command` and `args`: literal variables put in for `$(NAME)`, a shell's line split."""
    literal = {each["name"].text: each["value"].held for each in container["env"].items()}

    def replaced(match: re.Match[str]) -> str:
        value = literal.get(match[1])
        return value if isinstance(value, str) else match[0]

    given = [*container["command"].strings(), *container["args"].strings()]
    return list(_split([_REFERENCE.sub(replaced, word) for word in given]))


def _split(words: list[str]) -> Iterator[str]:
    if not words or PurePosixPath(words[0]).name not in _SHELLS:
        yield from words
        return
    for word in words[1:]:
        try:
            yield from shlex.split(word.replace(";", " ; "))
        except ValueError:
            yield from word.split()


def _process(words: list[str]) -> Process | None:
    position = 0
    while position < len(words) and words[position].startswith("-"):
        position += 2 if words[position] in _VALUED else 1
    kind = words[position] if position < len(words) else ""
    if kind not in {"worker", "beat"}:
        return None
    end = next((n for n, word in enumerate(words) if word in _SEPARATORS), len(words))
    options = (*words[:position], *words[position + 1 : end])
    return Process("worker" if kind == "worker" else "beat", options)
