"""Who holds a stack, read from what Pulumi says of locks, and when a lock may be broken."""

import socket
from datetime import UTC, datetime, timedelta

import pytest

from fleet import engine_lock
from fleet.previews.held import OLD, holders, is_old, may_break, refusal

SINCE = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEAD = "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es)\n"
CLOUD = "error: [409] Conflict: Another update is currently in progress."


def told(host: str = "runner-7", user: str = "ci") -> str:
    url = "s3://state/.pulumi/locks/organization/celery-fleet/preview-a/0a.json?region=r&x=1"
    return f"{HEAD}  {url}: created by {user}@{host} (pid 42) at 2026-03-01T13:00:00+01:00\n"


@pytest.fixture(params=[True, False], ids=["alive", "dead"])
def alive(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    found: bool = request.param
    monkeypatch.setattr(engine_lock, "is_alive", lambda pid: pid == 42 and found)
    return found


@pytest.mark.parametrize("user", ["ci", "a@corp.test", r"CORP\some one"])
def test_a_lock_tells_user_host_pid_and_time(user: str) -> None:
    (found,) = holders(told(user=user))

    assert (found.user, found.host, found.pid, found.since) == (user, "runner-7", 42, SINCE)
    assert found.url.startswith("s3://state/.pulumi/locks/")


def test_here_a_lock_goes_as_soon_as_its_pulumi_is_dead_and_never_before(*, alive: bool) -> None:
    here = told(socket.gethostname())
    now = SINCE + timedelta(seconds=1)

    assert may_break(here, now) is not alive
    assert may_break(here, SINCE + 100 * OLD) is not alive
    error = refusal("preview-a", here, now)
    assert ("kill -INT 42" in error.mend) is alive
    assert ("--break-lock" in error.mend) is not alive


def test_elsewhere_a_lock_goes_once_it_is_old() -> None:
    just = SINCE + OLD

    assert not may_break(told(), just - timedelta(seconds=1))
    assert may_break(told(), just)
    assert "before 2026-03-01 13:00 UTC" in refusal("preview-a", told(), SINCE).why
    assert "--break-lock" in refusal("preview-a", told(), just).mend


def test_a_lock_that_is_broken_unasked_is_old_wherever_its_holder_seems_to_have_died(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine_lock, "is_alive", lambda _: False)
    here = told(host=socket.gethostname())

    assert may_break(here, SINCE)
    assert not is_old(here, SINCE)
    assert is_old(here, SINCE + OLD)
    assert not is_old(CLOUD, SINCE + 100 * OLD)


def test_of_two_locks_one_that_stays_keeps_both() -> None:
    both = told() + told().replace("13:00:00", "13:59:00")

    assert len(list(holders(both))) == 2
    assert not may_break(both, SINCE + OLD)


def test_where_nobody_is_named_nothing_is_broken_and_pulumis_words_are_told() -> None:
    error = refusal("preview-a", CLOUD, SINCE + 100 * OLD)

    assert not may_break(CLOUD, SINCE + 100 * OLD)
    assert (error.why, "pulumi cancel --stack preview-a" in error.mend) == (CLOUD, True)
