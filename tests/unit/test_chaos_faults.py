"""Every fault of the list is injected somewhere, and what is left at rest is told by its keys."""

from collections.abc import Iterator
from typing import Any

from chaos.cluster.faults import CLUSTER
from chaos.faults import LOCAL, SHORT
from chaos.rest import dead_letters, left, moving, waiting

FAULTS = 23


class Keys:
    """Stands in for a Redis client: lists, hashes and sorted sets by name."""

    def __init__(self, **held: tuple[str, list[str]]) -> None:
        self._held = held

    def scan_iter(self, match: str = "*") -> Iterator[str]:
        return (key for key in self._held if key.startswith(match.rstrip("*")))

    def type(self, key: str) -> str:
        return self._held[key][0]

    def hkeys(self, key: str) -> list[str]:
        return self._held[key][1]

    def lrange(self, key: str, _first: int, _last: int) -> list[str]:
        return self._held[key][1] if key in self._held else []

    hvals = hkeys

    def llen(self, key: str) -> int:
        return len(self._held[key][1])

    hlen = zcard = llen


def holding(**held: Any) -> Any:
    return Keys(**held)


def test_every_fault_of_the_list_comes_with_a_cluster_or_without() -> None:
    of_cluster = {kind.number for kind in CLUSTER}

    assert set(LOCAL) | of_cluster == set(range(1, FAULTS + 1))
    assert not set(LOCAL) & of_cluster


def test_the_short_campaign_leaves_out_only_what_waits_for_rest() -> None:
    assert set(LOCAL) - set(SHORT) == {7}


def test_what_lingers_is_over_before_the_broker_itself_is_hit() -> None:
    kinds = list(LOCAL.values())
    lingering = [index for index, kind in enumerate(kinds) if kind.lingers]
    hits = [index for index, kind in enumerate(kinds) if kind.touches_all]

    assert max(lingering) < min(hits)


def test_a_list_and_a_hash_of_held_messages_are_left_over() -> None:
    found = left(
        holding(
            fast=("list", ["m"]),
            **{"unacked:fast": ("hash", ["a", "b"]), "unacked:fast_index": ("zset", ["a", "b"])},
        )
    )

    assert found == {"fast": 1, "unacked:fast": 2, "unacked:fast_index": 2}


def test_what_the_fleet_keeps_on_purpose_is_not() -> None:
    kept = ("fleet:stats:fast", "fleet:dead:fast", "redbeat::tick", "_kombu.binding_deadlines")

    assert not left(holding(**dict.fromkeys(kept, ("hash", ["a"]))))


def test_an_unfinished_count_of_deliveries_is_left_over() -> None:
    assert left(holding(**{"fleet:deliveries:a": ("hash", ["1.0"])}))


def test_a_key_prefix_hides_nothing() -> None:
    client = holding(**{"p:fleet:stats:fast": ("hash", ["a"]), "p:fast": ("list", ["m"])})

    assert left(client, "p:") == {"p:fast": 1}


def test_dead_letters_are_told_by_id() -> None:
    client = holding(
        **{"fleet:dead:fast": ("hash", ["a"]), "fleet:dead:gpu": ("hash", ["b"])},
        fast=("list", ["c"]),
    )

    assert dead_letters(client) == {"a", "b"}


def test_nobody_waits_for_a_list_that_no_worker_has() -> None:
    assert not moving({"fsat": 3, "fleet:deliveries:a": 1})
    assert moving({"fsat": 3, "unacked": 1})
    assert moving({"gpu": 1})


def test_what_waits_or_is_held_is_told_by_id() -> None:
    client = holding(
        slow=("list", ['{"headers": {"id": "a"}}']),
        fsat=("list", ['{"headers": {"id": "b"}}']),
        unacked=("hash", ['[{"headers": {"id": "c"}}, "", "slow"]']),
        unacked_index=("zset", ["c"]),
    )

    assert waiting(client) == {"a", "c"}
