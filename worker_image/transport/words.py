"""Redis commands told as words, which a Lua script runs with others in one step."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

RUN_WORDS = """
local function run_words(at)
    while at <= #ARGV do
        local words = tonumber(ARGV[at])
        redis.call(unpack(ARGV, at + 1, at + words))
        at = at + words + 1
    end
end
"""
"""Lua: runs the commands of ARGV from some place on, each told as its length and its words."""


class Words:
    """Takes commands as a pipeline of redis-py's does, or a batch of kombu's."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.told: list[object] = []
        self.pushes = 0
        """How many of the commands put a message in a list."""

    def add(self, name: str, key: str, *arguments: object) -> None:
        """Take one command whose only key comes first, without key prefix."""
        words: list[object] = [name, f"{self._prefix}{key}"]
        for argument in arguments:
            if isinstance(argument, Mapping):
                # ZADD's members with their scores.
                words += [word for member, score in argument.items() for word in (score, member)]
            else:
                words.append(argument)
        self.told += [len(words), *words]
        self.pushes += name in {"lpush", "rpush"}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self.add, name)
