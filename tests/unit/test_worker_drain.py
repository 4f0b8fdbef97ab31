"""How long a process of the pool outlives its worker's wish to stop."""

import time
from types import SimpleNamespace

import pytest
from billiard import pool

from worker_image import drain


def test_a_process_whose_result_is_never_asked_for_ends_in_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(pool, "GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT", 300)
    monkeypatch.setattr(time, "sleep", slept.append)
    process = SimpleNamespace(on_ready_counter=SimpleNamespace(value=0))

    drain.connect()
    pool.Worker._ensure_messages_consumed(process, completed=1)

    assert 2 < sum(slept) < 5
