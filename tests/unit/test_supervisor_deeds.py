"""Parts wait for what they need; a deed is done again when that was restarted."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from rehearsal.control_plane.ports import Ports
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.supervisor.board import Board
from rehearsal.supervisor.deed_loop import DeedLoop
from rehearsal.supervisor.identity import identify
from rehearsal.supervisor.parts import STOP_ORDER, Part
from rehearsal.supervisor.records import StageRecord, read_record
from rehearsal.supervisor.state_files import processes_file

PORTS = Ports.model_validate({name: 20000 + i for i, name in enumerate(Ports.model_fields)})


def board(folder: Path, *names: str) -> Board:
    me = identify(os.getpid())
    assert me is not None
    record = StageRecord(supervisor=me, inputs="x")
    return Board(Layout(folder), record, PORTS, list(names))


async def soon(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def beside(loop: Awaitable[None], test: Callable[[], Awaitable[None]]) -> None:
    running = asyncio.ensure_future(loop)
    try:
        await test()
    finally:
        running.cancel()


def test_a_deed_waits_and_is_repeated_after_a_restart(tmp_path: Path) -> None:
    done: list[int] = []

    async def run() -> None:
        stage = board(tmp_path, "api", "deed")
        part = Part("deed", lambda: None, ("api",), deed=lambda: done.append(1))

        async def test() -> None:
            await asyncio.sleep(0.05)
            assert done == []
            stage.set_gate("api", is_open=True)
            await soon(lambda: stage.record.healthy)
            stage.set_gate("api", is_open=False)
            await soon(lambda: not stage.gates["deed"].is_open)
            stage.set_gate("api", is_open=True)
            await soon(lambda: stage.record.healthy)
            assert done == [1, 1]

        await beside(DeedLoop(part, stage).keep(), test)

    asyncio.run(run())


def test_a_deed_that_fails_is_tried_again_and_its_reason_is_shown(tmp_path: Path) -> None:
    attempts: list[int] = []

    def deed() -> None:
        attempts.append(1)
        if len(attempts) < 3:
            raise ConnectionRefusedError("refused")

    async def run() -> None:
        stage = board(tmp_path, "api", "deed")

        async def test() -> None:
            await soon(lambda: stage.record.pending == {"deed": "refused"})
            await soon(lambda: stage.record.healthy)
            assert stage.record.pending == {}

        part = Part("deed", lambda: None, ("api",), deed=deed)
        stage.set_gate("api", is_open=True)
        await beside(DeedLoop(part, stage).keep(), test)

    asyncio.run(run())


def test_a_stage_is_healthy_only_while_all_its_parts_are(tmp_path: Path) -> None:
    async def run() -> None:
        stage = board(tmp_path, "a", "b")
        stage.fail(RehearsalError("a does not start", "no idea", "look"))
        stage.set_gate("a", is_open=True)
        assert not stage.record.healthy
        stage.set_gate("b", is_open=True)
        assert stage.record.healthy
        assert stage.record.problem is None
        stage.set_gate("a", is_open=False)
        assert not stage.record.healthy

    asyncio.run(run())


def test_a_record_that_someone_broke_is_written_again(tmp_path: Path) -> None:
    async def run() -> None:
        stage = board(tmp_path, "a")
        path = processes_file(stage.layout)

        async def test() -> None:
            stage.changed()
            await soon(path.exists)
            path.write_text('{"supervisor"')
            await soon(lambda: path.read_text().endswith("}"))
            assert read_record(stage.layout) == stage.record

        await beside(stage.keep_written(), test)

    asyncio.run(run())


def test_clients_are_stopped_before_what_they_need() -> None:
    place = {name: i for i, names in enumerate(STOP_ORDER) for name in names}

    assert place["node-agent"] < place["broker"]
    assert place["keda-operator"] < place["kube-apiserver"] < place["etcd"]
