"""What `fleet diff` tells of a change, from previews that the mock engine stands in for."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from fleet import session
from fleet.api_client import QueueStatistics
from fleet.cli import app
from fleet.difference import command, figures, preview, view
from fleet.difference.figures import Figures
from fleet.difference.report import Report
from fleet.difference.words import figures_told
from fleet.difference.workers import Settings, changes
from fleet.planning.forecast import forecast
from infra.models.fleet import FleetConfig
from infra.models.worker import Compute, Resources
from rehearsal.errors import RehearsalError
from tests.unit import preview_of
from tests.unit.recorder import imagineer

BASE = imagineer()


@cache
def base() -> preview_of.Resources:
    """What the unchanged stack has; the program takes a while."""
    return preview_of.resources(BASE)


def changed(change: Callable[[dict[str, Any]], None]) -> FleetConfig:
    """Imagineer's stack with settings changed, by their names in the file."""
    raw = BASE.model_dump(by_alias=True, exclude_unset=True)
    change(raw)
    return FleetConfig.model_validate(raw)


def statistics(pending: int, in_flight: int) -> QueueStatistics:
    return QueueStatistics(pending, in_flight, 0, 0, 0, wait_p50_s=None, wait_p95_s=None)


class Api:
    """Has three tasks in flight on each queue, and seven messages waiting on training."""

    def queues(self) -> dict[str, QueueStatistics]:
        return {name: statistics(7 * (name == "training"), 3) for name in BASE.queues}


class Away:
    def queues(self) -> dict[str, QueueStatistics]:
        raise RehearsalError("the fleet's HTTP API is not ready", "it has no ready pod", "wait")


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


def test_a_figure_of_what_is_deployed_is_that_of_the_plan_which_led_to_it() -> None:
    """The deployed settings are read back from the cluster's objects, formula included."""
    made = preview_of.document({}, base())
    steps = preview.read(json.dumps(made), "test")
    for change in changes(steps):
        found = figures.deployed(BASE, change.name, change.new)
        own = forecast(BASE, change.name)
        assert found == Figures(own.normal.p95_s, own.burst.p95_s, own.total_usd), change.name
        assert change.new.resources == BASE.workers[change.name].resources


def test_an_older_formula_is_simulated_as_it_is_deployed() -> None:
    eager = Settings(formula="pending_0_0 + in_flight")
    lazy = Settings(formula="max(in_flight, 0.01 * (pending_0_0 + in_flight))")
    waits = [figures.deployed(BASE, "labeling", each) for each in (eager, lazy)]

    assert waits[0] is not None
    assert waits[1] is not None
    assert waits[0].burst_p95_s < waits[1].burst_p95_s
    assert figures.deployed(BASE, "labeling", Settings(formula="cpu * 2")) is None
    assert figures.deployed(BASE, "labeling", Settings(node_group="gone")) is None


def test_pods_that_asked_for_more_have_cost_more() -> None:
    asked = Compute(cpu="4", memory="8Gi")
    before = figures.deployed(BASE, "labeling", Settings(resources=Resources(requests=asked)))
    after = figures.planned(BASE, "labeling")

    assert before is not None
    assert before.usd is not None
    assert after.usd is not None
    assert before.usd > 1.5 * after.usd
    assert before.burst_p95_s == after.burst_p95_s


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


def test_an_aws_resource_that_changes_in_place_is_told_by_name() -> None:
    kind = "aws:elasticache/replicationGroup:ReplicationGroup"
    ends = [{(kind, "cache"): {"nodeType": f"cache.{each}"}} for each in ("t4g.small", "m7g.large")]
    steps = preview.read(json.dumps(preview_of.document(*ends)), "test")
    found = command.report(steps, [], None)

    assert found.lines == ("ReplicationGroup cache: nodeType cache.t4g.small -> cache.m7g.large",)
    gone = preview.read(json.dumps(preview_of.document(ends[0], {})), "test")
    (told,) = command.report(gone, [], None).dangers
    assert told.startswith("ReplicationGroup cache is DELETED: the broker goes")


def test_the_parts_of_a_replacement_are_one_step() -> None:
    urn = "urn:pulumi:s::celery-fleet::kubernetes:core/v1:Namespace::namespace"
    parts = [
        {"op": "create-replacement", "urn": urn, "newState": {"inputs": {"a": 2}}},
        {"op": "replace", "urn": urn, "replaceReasons": ["a"]},
        {"op": "delete-replaced", "urn": urn, "oldState": {"inputs": {"a": 1}}},
    ]
    (step,) = preview.read(json.dumps({"steps": parts}), "test")

    assert (step.op, step.old, step.new, step.forcing) == ("replace", {"a": 1}, {"a": 2}, ("a",))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("not json", "not what `pulumi preview --json` prints"),
        ("[]", "not what `pulumi preview --json` prints"),
        ('{"steps": [{"op": "update"}]}', "not what `pulumi preview --json` prints"),
        (
            '{"steps": [], "diagnostics": [{"severity": "error", "message": "queus is unknown"}]}',
            "queus is unknown",
        ),
    ],
)
def test_what_is_no_preview_or_a_failed_one_is_refused(text: str, told: str) -> None:
    with pytest.raises(RehearsalError, match=told):
        preview.read(text, "preview.json")


def test_a_preview_of_another_stack_file_is_refused(tell: Callable[..., Report]) -> None:
    def more(raw: dict[str, Any]) -> None:
        raw["workers"]["labeling"]["maxReplicaCount"] = 20

    with pytest.raises(RehearsalError, match="do not belong together"):
        tell(BASE, made=preview_of.text(base(), preview_of.resources(changed(more))))


def test_money_is_told_from_a_dollar_on_and_a_wait_only_where_it_changes() -> None:
    before = Figures(1.0, 40.0, 10.0)

    told = list(figures_told(before, Figures(1.01, 22.0, 41.2)))
    assert told == ["wait p95 in a burst 40 s -> 22 s", "+$31 a month"]
    assert list(figures_told(before, Figures(float("inf"), 40.0, 3.0))) == [
        "wait p95 steady 1.0 s -> never",
        "-$7 a month",
    ]
    assert list(figures_told(before, Figures(1.0, 40.0, None))) == []


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
