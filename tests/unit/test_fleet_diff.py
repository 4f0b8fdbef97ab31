"""What `fleet diff` tells of a change, from previews that the mock engine stands in for."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from fleet import session
from fleet.cli import app
from fleet.difference import command, view
from fleet.difference.report import Report
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError
from tests.unit import preview_of
from tests.unit.diff_stage import BASE, Api, Away, base, changed


@pytest.fixture
def tell(tmp_path: Path) -> Callable[..., Report]:
    def told(
        new: FleetConfig, *, api: object = None, made: str | None = None, **replaced: Any
    ) -> Report:
        file = tmp_path / "preview.json"
        file.write_text(made or preview_of.text(base(), preview_of.resources(new), **replaced))
        begun = SimpleNamespace(config=new, api=api or Api(), stack="s")
        return command.run(begun, file)  # type: ignore[arg-type]  # no more is asked of it

    return told


def test_no_change_is_one_line(tell: Callable[..., Report]) -> None:
    found = tell(BASE)

    assert not found.changed
    console = Console(width=80)
    with console.capture() as capture:
        console.print(view.render("s", found))
    assert capture.get() == "stack s: nothing changes\n"
    assert view.markdown("s", found) == "stack s: nothing changes\n"


def test_a_raised_maximum_is_told_with_what_it_does_to_waits_and_restarts_nothing(
    tell: Callable[..., Report],
) -> None:
    def more(raw: dict[str, Any]) -> None:
        raw["workers"]["labeling"]["maxReplicaCount"] = 20

    new = changed(more)
    found = tell(new)

    (worker,) = found.workers
    (line,) = found.lines
    assert worker.before is not None
    assert worker.after is not None
    assert worker.before.burst_p95_s > 1.5 * worker.after.burst_p95_s
    assert line.startswith("queue labeling: max 6 -> 20; wait p95 in a burst ")
    assert worker.change.restart is None
    assert found.dangers == ()


def test_pods_that_restart_are_told_with_the_cause_and_what_is_in_flight(
    tell: Callable[..., Report],
) -> None:
    def other(raw: dict[str, Any]) -> None:
        raw["workers"]["scraping"]["concurrency"] = 3

    new = changed(other)
    grace_s = BASE.workers["scraping"].grace_s or 1860
    found = tell(new)

    end = f"finish first, within {grace_s} s at most"
    assert f"worker scraping restarts (command): 3 tasks in flight {end}" in found.lines
    assert [each.change.name for each in found.workers] == ["scraping"]


def test_without_the_api_what_is_in_flight_is_left_out_and_said_so(
    tell: Callable[..., Report],
) -> None:
    def other(raw: dict[str, Any]) -> None:
        raw["workers"]["scraping"]["concurrency"] = 3

    found = tell(changed(other), api=Away())

    (restart,) = [line for line in found.lines if "restarts" in line]
    assert ": tasks in flight finish first" in restart
    assert "no ready pod" in found.notes[0]


def test_a_queues_limits_are_told_and_whose_pods_roll_for_them(
    tell: Callable[..., Report],
) -> None:
    def shorter(raw: dict[str, Any]) -> None:
        raw["queues"]["default"] |= {"timeLimitSeconds": 50, "softTimeLimitSeconds": 45}

    found = tell(changed(shorter))

    assert (
        "queue default: softTimeLimitSeconds 1500 -> 45, timeLimitSeconds 1800 -> 50" in found.lines
    )
    rolled = {line.split(" restarts")[0] for line in found.lines if " restarts (" in line}
    assert rolled == {"worker default", "beat", "api"}
    # It is told by its queues.
    assert not any("ConfigMap" in line for line in found.lines)


def test_a_new_queue_is_told_with_its_worker_and_price(tell: Callable[..., Report]) -> None:
    def more(raw: dict[str, Any]) -> None:
        raw["queues"]["reports"] = {"class": "interactive"}

    (line,) = [line for line in tell(changed(more)).lines if line.startswith("queue reports")]
    assert line.startswith("queue reports: new, served by worker reports, ")
    assert line.endswith(" a month")


@pytest.mark.parametrize(
    ("api", "danger"),
    [
        (Api(), "queue training is REMOVED: no worker takes the messages that wait there (7 now)"),
        (Away(), "queue training is REMOVED: no worker takes the messages that wait there"),
    ],
)
def test_a_removed_queue_leaves_its_messages_to_nobody(
    tell: Callable[..., Report], api: object, danger: str
) -> None:
    def less(raw: dict[str, Any]) -> None:
        del raw["queues"]["training"], raw["workers"]["training"]

    found = tell(changed(less), api=api)

    assert found.dangers == (danger,)
    assert any(line.startswith("worker training goes: ") for line in found.lines)


def test_a_removed_queue_that_is_empty_is_no_danger(tell: Callable[..., Report]) -> None:
    def less(raw: dict[str, Any]) -> None:
        del raw["queues"]["scraping"], raw["workers"]["scraping"]
        raw["profiles"] = {}

    found = tell(changed(less))

    assert found.dangers == ()
    assert "queue scraping is removed: no message waits there now" in found.lines


def test_what_holds_data_and_is_replaced_comes_first_and_in_red(
    tell: Callable[..., Report],
) -> None:
    def moved(raw: dict[str, Any]) -> None:
        raw["namespace"] = "elsewhere"

    new = changed(moved)
    found = tell(new, namespace=["metadata.name"], data=["metadata.namespace"])

    assert [told.split(":")[0] for told in found.dangers] == [
        "Namespace namespace is REPLACED (metadata.name)",
        "PersistentVolumeClaim data is REPLACED (metadata.namespace)",
    ]
    console = Console(width=80, force_terminal=True, color_system="standard")
    with console.capture() as capture:
        console.print(view.render("s", found))
    assert capture.get().startswith("\x1b[1;31mDANGER: Namespace")
    assert view.markdown("s", found).split("\n\n")[1].startswith("> [!CAUTION]\n> **Danger:**")


def test_another_key_prefix_is_a_danger(tell: Callable[..., Report]) -> None:
    def prefixed(raw: dict[str, Any]) -> None:
        raw["broker"]["keyPrefix"] = "new:"

    (told,) = tell(changed(prefixed)).dangers
    assert told.startswith("the key prefix CHANGES from '' to 'new:': messages (7 now), results")


def test_a_value_that_only_up_will_know_may_restart_pods_and_is_named(
    tell: Callable[..., Report],
) -> None:
    new = dict(base())
    key = ("kubernetes:apps/v1:Deployment", "worker-scraping")
    inputs = json.loads(json.dumps(new[key]))
    annotations = inputs["spec"]["template"]["metadata"]["annotations"]
    annotations["celery-fleet.dev/broker-checksum"] = preview_of.UNKNOWN
    new[key] = inputs

    found = tell(BASE, made=json.dumps(preview_of.document(base(), new)))

    (line,) = found.lines
    assert line.startswith("worker scraping may restart (the broker's address or login): ")
    (note,) = found.notes
    assert note.startswith("known only during `pulumi up`: Deployment worker-scraping, spec.")


def test_a_preview_of_another_stack_file_is_refused(tell: Callable[..., Report]) -> None:
    def more(raw: dict[str, Any]) -> None:
        raw["workers"]["labeling"]["maxReplicaCount"] = 20

    with pytest.raises(RehearsalError, match="do not belong together"):
        tell(BASE, made=preview_of.text(base(), preview_of.resources(changed(more))))


def test_the_command_prints_json_and_saves_markdown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def more(raw: dict[str, Any]) -> None:
        raw["workers"]["labeling"]["maxReplicaCount"] = 20

    new, file, page = changed(more), tmp_path / "preview.json", tmp_path / "comment.md"
    file.write_text(preview_of.text(base(), preview_of.resources(new)))
    begun = SimpleNamespace(config=new, api=Api(), stack="s")
    monkeypatch.setattr(session, "begin", lambda *_: begun)
    words = ["diff", "-s", "s", "--preview", str(file), "--markdown", str(page), "--json"]

    ended = CliRunner().invoke(app, words)

    assert ended.exit_code == 0, ended.output
    told = json.loads(ended.stdout)
    assert (told["stack"], told["changed"]) == ("s", True)
    assert told["workers"][0]["settings"] == ["max 6 -> 20"]
    assert "| labeling | 0..6 -> 0..20 |" in page.read_text()
