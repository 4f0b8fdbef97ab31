"""The commands that the runbooks print work on a fleet that runs, as they are printed."""

import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests.unit.runbook_commands import MENDS, Command, commands
from tests.whole.running_fleet import CANARY, NAMESPACE, STACK, RunningFleet, until
from worker_image import dead_letters
from worker_image.dead_letters import DeadLetter

pytestmark = [pytest.mark.engine, pytest.mark.rehearsal, pytest.mark.timeout(300)]

COMMANDS = commands()
READS = [command for command in COMMANDS if command.place == "reads"]
QUEUE, SCALER = "scraping", "worker-scraping"
PAUSED = "autoscaling.keda.sh/paused-replicas"
PREFIX = f"{STACK}:"
MISSPELT = f"{PREFIX}scrapping"
# What a mend says that did something, by its command up to its options.
SHOWN = {
    "fleet dead replay scraping TASK_ID": "replayed 1 dead letters",
    "fleet dead replay scraping": "replayed 1 dead letters",
    "fleet dead discard scraping TASK_ID": "discarded 1 dead letters",
    "fleet campaign stop training": "off now",
    "kubectl annotate scaledobject worker-scraping": "annotated",
}
# What a person answers; a program has to say it beforehand.
ANSWERED = {"pulumi refresh": ["--yes"], "pulumi up": ["--yes"]}


@pytest.fixture(scope="module")
def alarming(running: RunningFleet, broker: "redis.Redis") -> Iterator[RunningFleet]:
    """A fleet in which there is something to see: a paused scaler, a letter, a stray list."""
    kubectl(running, "annotate", "scaledobject", SCALER, f"{PAUSED}=1")
    until(lambda: ready(running) or None, 60, f"{SCALER} has its pod")
    broker.lpush(MISSPELT, "{}")
    park(broker, "letter")
    assert running.fleet("campaign", "start", "training", "-s", STACK).returncode == 0
    janitor = "deployment/janitor"
    until(lambda: "list" in kubectl(running, "logs", janitor) or None, 60, "the janitor tells")
    yield running
    kubectl(running, "annotate", "scaledobject", SCALER, f"{PAUSED}-")
    broker.delete(MISSPELT)
    for letter in dead_letters.read(broker, PREFIX, QUEUE):
        running.fleet("dead", "discard", QUEUE, letter.task_id, "--yes", "-s", STACK)
    running.rest(QUEUE)


def kubectl(running: RunningFleet, *words: str) -> str:
    ended = running._run(["kubectl", "-n", NAMESPACE, *words], running.environment)
    assert ended.returncode == 0, ended.output
    return ended.output


def ready(running: RunningFleet) -> int:
    return int(running.get("deployments", SCALER)["status"].get("readyReplicas", 0))


def park(broker: "redis.Redis", task_id: str) -> None:
    """Park a task that takes no time, as one that killed its workers is."""
    options = {"task_id": task_id, "queue": QUEUE, "retries": 3, "priority": 0}
    message: dict[str, Any] = {
        "task": CANARY,
        "args": [],
        "kwargs": {"seconds": 0},
        "options": options,
        "subtask_type": None,
        "immutable": False,
    }
    letter = DeadLetter(
        task_id=task_id,
        task=CANARY,
        queue=QUEUE,
        reason="delivered 5 times without an end",
        deliveries=5,
        published_at=None,
        redelivered_at=(),
        last_error="",
        parked_at=time.time(),
        message=message,
    )
    dead_letters.park(broker, PREFIX, letter)


def run(running: RunningFleet, text: str) -> str:
    """Run a command as a shell would; what comes behind a pipe may find nothing."""
    typed, *filters = text.split(" | ")
    extra = next((more for begin, more in ANSWERED.items() if typed.startswith(begin)), [])
    done = subprocess.run(
        [*typed.split(), *extra],
        cwd=running.folder,
        env=running.environment,
        # What a person would say to each question.
        input="y\n" * 3,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, f"{typed}\n{printed}"
    for each in filters:
        found = subprocess.run(
            each.split(), input=printed, capture_output=True, text=True, check=False, timeout=10
        )
        assert found.returncode in {0, 1}, f"{each}\n{found.stderr}"
        printed = found.stdout
    return printed


@pytest.mark.parametrize("command", READS, ids=lambda each: each.printed)
def test_a_look_shows_something(alarming: RunningFleet, command: Command) -> None:
    text = command.rehearsed("letter")
    printed = run(alarming, text)

    # A filter may find nothing in a fleet that is well.
    assert printed.strip() or " | " in text, f"{text} printed nothing"


def test_a_look_shows_what_the_page_says_it_shows(alarming: RunningFleet) -> None:
    printed = {command.printed: command for command in READS}

    def look(text: str) -> str:
        return run(alarming, printed[text].rehearsed("letter"))

    stray = "kubectl logs -n imagineer-prod deployment/janitor --since=1h --tail=50 | grep list"
    assert "scrapping" in look(stray)
    assert PAUSED in look("kubectl describe scaledobject worker-scraping -n imagineer-prod")
    assert "letter" in look("fleet dead list scraping -s prod")
    assert "delivered 5 times" in look("fleet dead show scraping TASK_ID -s prod")
    assert "training" in look("fleet campaign list -s prod")


def test_each_mend_does_what_the_page_says(alarming: RunningFleet, broker: "redis.Redis") -> None:
    original = alarming.stack_file.read_text()
    mends = {command.printed: command for command in COMMANDS if command.place == "mends"}
    for printed in MENDS:
        if "fleet dead" in printed:
            park(broker, "letter")
        if printed == "pulumi refresh -s prod":
            # What was set is accepted as a whole; the fleet is left as it was.
            run(alarming, f"pulumi preview -s {STACK}")
            alarming.stack_file.write_text(original)
        before = alarming.stack_file.read_text()
        shown = run(alarming, mends[printed].rehearsed("letter"))
        changed = alarming.stack_file.read_text() != before
        assert changed is ("config set" in printed), printed
        assert SHOWN.get(printed.split(" -")[0], "") in shown

    assert PAUSED not in alarming.get("scaledobjects", SCALER)["metadata"].get("annotations", {})
    again = alarming.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert again.returncode == 0, again.output
    for name in ("beat", "janitor"):
        status = alarming.get("deployments", name)["status"]
        assert status.get("readyReplicas") == 1, name
