"""What the janitor calls unowned, what it tells of it, and when it is called silent."""

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from tests.unit.worker_api_stage import TOKEN, Fleet, ask, ports, queue_state
from tests.unit.worker_stage import document, fair_document, load
from worker_image import unowned
from worker_image.api_routes import create_api
from worker_image.declared import FleetSettings
from worker_image.janitor_word import SILENT_S, JanitorWord
from worker_image.unowned import UnownedLists


class Server:
    """Lists by key; a scan shows so many keys at a time. Stands in for Redis."""

    def __init__(self, lists: dict[str, int], at_once: int = 10**6) -> None:
        self.lists = lists
        self.at_once = at_once
        self.scans = 0

    def scan(self, cursor: int, match: str, count: int, _type: str) -> tuple[int, list[str]]:
        assert (count <= 1000, _type) == (True, "list")
        self.scans += 1
        keys = sorted(self.lists)
        part = keys[cursor : cursor + self.at_once]
        after = cursor + self.at_once
        found = [key for key in part if fnmatchcase(key, match)]
        return (after if after < len(keys) else 0), found

    def pipeline(self, **_: Any) -> "Pipe":
        return Pipe(self)


class Pipe:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._asked: list[str] = []

    def __enter__(self) -> "Pipe":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def llen(self, key: str) -> None:
        self._asked.append(key)

    def execute(self) -> list[int]:
        return [self._server.lists.get(key, 0) for key in self._asked]


def fleet_of(folder: Path, told: dict[str, Any]) -> FleetSettings:
    return load(folder, told).fleet


def looked(server: Server, fleet: FleetSettings) -> UnownedLists:
    lists = UnownedLists(server, fleet)  # type: ignore[arg-type]  # a stand-in
    lists.look()
    return lists


def test_queues_steps_previews_and_the_images_own_lists_are_owned(tmp_path: Path) -> None:
    images = ("fleet:waits:default", "x.reply.celery.pidbox")
    owned = ("labeling", "labeling:9", "default:3", *images, "preview-fix-a-abcdefgh:labeling")
    strays = {"labelling": 2, "labeling:5": 1, "fleet:unreadable": 4}

    found = looked(Server(dict.fromkeys(owned, 1) | strays), fleet_of(tmp_path, document()))

    assert dict(found.lengths) == strays
    assert found.count == 3


def test_a_fair_queue_owns_its_tenants_lists_and_no_steps(tmp_path: Path) -> None:
    server = Server({"labeling.acme": 1, "labeling": 1, "labeling:3": 1, "scraping.acme": 1})

    found = looked(server, fleet_of(tmp_path, fair_document()))

    assert set(found.lengths) == {"labeling:3", "scraping.acme"}


def test_only_what_has_the_prefix_is_looked_at_whatever_its_letters(tmp_path: Path) -> None:
    server = Server({"b[1]*:labeling": 1, "b[1]*:stray": 1, "b1x:stray": 1, "stray": 1})
    # As Redis reads an escaped character; Python's pattern has its own way.
    escaped = unowned._escaped("b[1]*:")
    assert escaped == r"b\[1\]\*:"
    server.scan = lambda *_, **__: (0, [k for k in server.lists if k.startswith("b[1]*:")])  # type: ignore[method-assign]  # a stand-in

    found = looked(server, fleet_of(tmp_path, document(keyPrefix="b[1]*:")))

    assert dict(found.lengths) == {"stray": 1}


def test_a_large_database_is_looked_at_in_parts_once_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("worker_image.unowned.time.monotonic", lambda: now[0])
    server = Server({f"stray-{n:04}": 1 for n in range(120)}, at_once=1)
    lists = UnownedLists(server, fleet_of(tmp_path, document()))  # type: ignore[arg-type]  # a stand-in

    seen = []
    for _ in range(4):
        lists.look()
        lists.look()
        seen.append((server.scans, lists.count))
        now[0] += 61

    assert seen == [(50, 0), (100, 0), (120, 120), (170, 120)]
    assert len(lists.lengths) == 20


def test_a_list_that_emptied_meanwhile_is_none(tmp_path: Path) -> None:
    server = Server({"stray": 0})

    assert looked(server, fleet_of(tmp_path, document())).count == 0


def test_a_word_is_silence_only_after_a_minute() -> None:
    def told(age_s: float) -> list[str]:
        return list(JanitorWord(age_s, {}, 0).warnings)

    assert told(SILENT_S) == []
    assert told(73) == ["janitor silent for 73 s: what lost workers held may not come back"]


def test_many_strays_are_told_in_a_few_lines() -> None:
    lines = list(JanitorWord(0, {f"s{n}": 1 for n in range(20)}, 25).warnings)

    assert len(lines) == 6
    assert lines[0] == "list 's0' holds 1 messages, and no queue owns it: see its sender"
    assert lines[-1] == "20 more lists are no queue's"


def test_health_is_degraded_by_what_the_janitor_told() -> None:
    fleet = Fleet(states={"labeling": queue_state(0)})
    api: FastAPI = create_api(ports(fleet), TOKEN)
    asked = "/api/v1/workers/health"

    assert ask(api, "GET", asked).json()["status"] == "healthy"
    fleet.janitor = JanitorWord(3, {"labelling": 2}, 1)
    told = ask(api, "GET", asked).json()

    assert (told["status"], len(told["warnings"])) == ("degraded", 1)
    assert told["queues"]["labeling"]["status"] == "ok"
    assert json.dumps(told["warnings"]).count("labelling") == 1
