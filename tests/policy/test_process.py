"""Which containers are Celery's, told by their command line alone."""

import pytest

from celery_policy.processes import Process, process
from celery_policy.tree import UNKNOWN, Node, NotKnownError


def found(*command: str, args: list[str] | None = None, **env: str) -> Process | None:
    variables = [{"name": name, "value": value} for name, value in env.items()]
    return process(Node({"command": list(command), "args": args or [], "env": variables}))


@pytest.mark.parametrize(
    ("command", "queues", "limit_s"),
    [
        (["celery", "-A", "shop", "worker", "-Q", "a,b", "--time-limit=60"], ("a", "b"), 60),
        (["celery", "--app=shop", "worker", "--queues=a", "--time-limit", "60"], ("a",), 60),
        (["/venv/bin/celery", "-A", "worker", "worker", "-Qa"], ("a",), None),
        (["python", "-m", "celery", "-A", "shop", "worker"], ("celery",), None),
        (["sh", "-c", "exec celery -A shop worker -Q 'a, b'; echo gone"], ("a", "b"), None),
        (["bash", "-ec", "migrate && celery -A shop worker -Q a"], ("a",), None),
        (["airflow", "celery", "worker", "-q", "a"], ("a",), None),
        (["tini", "--", "celery", "worker", "-A", "shop", "-Q", "a"], ("a",), None),
    ],
)
def test_a_worker_is_known_in_every_usual_spelling(
    command: list[str], queues: tuple[str, ...], limit_s: float | None
) -> None:
    worker = found(*command)

    assert worker is not None
    assert (worker.kind, worker.queues, worker.time_limit_s) == ("worker", queues, limit_s)


def test_arguments_and_literal_variables_belong_to_the_command() -> None:
    worker = found("celery", args=["-A", "shop", "worker", "-Q", "$(QUEUES)"], QUEUES="a,b")

    assert worker is not None
    assert worker.queues == ("a", "b")


@pytest.mark.parametrize(
    "command",
    [
        ["celery", "-A", "worker", "flower"],
        ["celery", "-A", "shop", "inspect", "ping"],
        ["python", "worker.py"],
        ["uvicorn", "shop:celery"],
        [],
    ],
)
def test_other_processes_are_none(command: list[str]) -> None:
    assert found(*command) is None


def test_a_beat_is_known_alone_and_inside_a_worker() -> None:
    beat, worker = found("celery", "-A", "x", "beat"), found("celery", "-A", "x", "worker", "-B")

    assert beat is not None
    assert beat.kind == "beat"
    assert worker is not None
    assert worker.embeds_beat


def test_a_command_that_is_not_known_yet_is_not_taken_for_another_process() -> None:
    with pytest.raises(NotKnownError, match="command"):
        process(Node({"command": UNKNOWN}, "spec"))
