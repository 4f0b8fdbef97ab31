"""`fleet smoke` over an API and a cluster that are stand-ins: what it sends, judges and leaves."""

import json
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console
from typer.testing import CliRunner

from fleet import fleet_state, session
from fleet.api_client import FleetApi, QueueStatistics, RefusedError, Result
from fleet.cli import app
from fleet.fleet_state import FleetState, PodTrouble, Replicas, WorkerState
from fleet.smoke import round as rounds
from fleet.smoke import view
from fleet.smoke.aims import Aim, aims, chosen
from fleet.smoke.reasons import with_reasons
from fleet.smoke.round import Round
from fleet.smoke.verdict import Checked, judge, passed
from infra.alerts import queues as alert_rules
from infra.models.agreement import plan
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError
from tests.unit.recorder import ROOT, imagineer
from worker_image import stats

FILE = ROOT / "stacks" / "imagineer.yaml"
QUEUES = ("default", "training", "scraping", "labeling")
AIM = Aim("labeling", "labeling", promised_s=60)


def done(waited_s: float | None, pod: str = "worker-labeling-1") -> Result:
    value = {"worker": f"labeling@{pod}", "waited_seconds": waited_s, "ran_seconds": 0.012}
    return Result("completed", value)


def worker(name: str, ready: int = 1, *, low: int = 0, **changes: Any) -> WorkerState:
    found = WorkerState(
        name,
        (name,),
        Replicas(ready, ready, settled=True),
        low,
        5,
        paused=False,
        scaler_problem=None,
    )
    return replace(found, **changes)


def state(*workers: WorkerState) -> FleetState:
    named = {each.name: each for each in workers}
    return FleetState(tuple(named.get(name, worker(name)) for name in QUEUES), None, None)


def counts(pending: int = 0) -> QueueStatistics:
    return QueueStatistics(pending, 0, 0, 0, 0, wait_p50_s=None, wait_p95_s=None)


def aimed(
    *workers: WorkerState, config: FleetConfig | None = None, pending: int = 0
) -> dict[str, Aim]:
    statistics = dict.fromkeys(QUEUES, counts(pending))
    found = aims(config or imagineer(), QUEUES, state(*workers), statistics)
    return {aim.queue: aim for aim in found}


@dataclass
class Api:
    """Answers probes: with a result by queue, or never; keeps what was taken back."""

    results: Mapping[str, Result]
    refused: str = ""
    """A queue to which nothing can be sent."""
    away: bool = False
    """Whether nothing can be taken back."""
    sent: list[tuple[str, str | None]] = field(default_factory=list)
    taken_back: list[str] = field(default_factory=list)
    hiccups: int = 0
    """How many looks at a result the API does not answer."""
    interrupted: bool = False
    """Whether the first look at a result is where someone presses Ctrl-C."""

    def create(self, task: str, kwargs: Any, *, queue: str, tenant: str | None) -> str:
        assert (task, kwargs) == (stats.PROBE, {})
        if queue == self.refused:
            raise RefusedError("refused", "422: unknown task", "correct it")
        self.sent.append((queue, tenant))
        return f"id-{queue}"

    def result(self, task_id: str) -> Result:
        if self.interrupted:
            raise KeyboardInterrupt
        if self.hiccups:
            self.hiccups -= 1
            raise RehearsalError("away", "timed out", "wait")
        return self.results.get(task_id.removeprefix("id-"), Result("pending"))

    def ask(self, method: str, path: str) -> None:
        assert method == "DELETE"
        if self.away:
            raise RehearsalError("away", "503: the broker does not answer", "wait")
        self.taken_back.append(path)

    def queues(self) -> dict[str, QueueStatistics]:
        return dict.fromkeys(QUEUES, counts())


def run(api: Api, *given: Aim, timeout_s: float | None = None) -> Round:
    made = Round(cast("FleetApi", api), given, timeout_s)
    made.run(lambda _: None)
    return made


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "_POLL_S", 0.01)


def test_the_image_the_alerts_and_the_command_mean_the_same_task() -> None:
    assert rounds.TASK == stats.PROBE == alert_rules.PROBE


def test_a_worker_at_zero_gets_the_start_that_its_sizing_knows_and_a_running_one_none() -> None:
    found = aimed(worker("training", 0), worker("labeling", 0, low=1))
    config = imagineer()

    cold_s = plan(config, "training").reaction.from_zero_s
    assert cold_s > config.node_groups["gpu"].launch_s
    assert found["training"].tolerated_s == 900 + cold_s
    assert found["scraping"].tolerated_s == 300
    # It is to have a pod: that it has none is no excuse.
    assert found["labeling"].tolerated_s == 60


def test_a_paused_worker_without_a_pod_gets_no_probe_and_one_with_pods_does() -> None:
    found = aimed(worker("training", 0, paused=True), worker("labeling", 2, paused=True))

    assert found["training"].blocked is not None
    assert "paused" in found["training"].blocked
    assert found["labeling"].blocked is None
    assert "paused" in found["labeling"].notes[0]


def test_a_queue_that_no_deployed_worker_serves_is_told_so() -> None:
    found = aimed(worker("labeling", queues=("other",)))

    assert "pulumi up" in (found["labeling"].blocked or "")


def test_what_waited_before_the_probe_is_told() -> None:
    assert aimed(pending=7)["default"].notes == ("messages that waited before the probe: 7",)


def test_a_fair_queue_is_probed_on_a_tenants_list() -> None:
    raw = imagineer().model_dump(by_alias=True)
    raw["queues"]["scraping"]["fair"] = True
    found = aimed(config=FleetConfig.model_validate(raw))

    assert [aim.tenant for aim in found.values()] == [None, None, "smoke", None]


def test_queues_are_chosen_by_name_and_by_what_they_need() -> None:
    config = imagineer()

    def named(*wanted: str, skip_gpu: bool = False) -> list[str]:
        return chosen(config, wanted, skip_gpu=skip_gpu, stack_file=FILE)

    assert named() == list(config.queues)
    assert named(skip_gpu=True) == ["default", "scraping", "labeling"]
    assert named("labeling", "default") == ["default", "labeling"]
    with pytest.raises(RehearsalError, match="no queue 'labelling'"):
        named("labelling")
    with pytest.raises(RehearsalError, match="no queue is left"):
        named("training", skip_gpu=True)


@pytest.mark.parametrize(
    ("result", "waited_s", "verdict"),
    [
        (done(59.9), 61, "ok"),
        (done(60.1), 61, "late"),
        # Delivered twice: the worker does not know the wait.
        (done(None), 61, "late"),
        (Result("failed", error="WorkerLostError"), 1, "failed"),
        (Result("pending"), 62.1, "not begun"),
    ],
)
def test_a_probe_is_judged_by_its_wait(result: Result, waited_s: float, verdict: str) -> None:
    found = judge(AIM, result, waited_s, 62)

    assert found is not None
    assert found.verdict == verdict
    assert passed([found]) is (verdict == "ok")
    assert bool(found.why) is (verdict != "ok")


def test_a_probe_that_may_still_come_is_waited_for() -> None:
    assert judge(AIM, Result("pending"), 61.9, 62) is None


def test_every_queue_gets_one_probe_and_nothing_is_left_of_any() -> None:
    api = Api(dict.fromkeys(QUEUES, done(1.0)))
    given = [replace(AIM, queue=name) for name in QUEUES]
    made = run(api, *given)

    assert sorted(api.sent) == sorted((name, None) for name in QUEUES)
    assert [made.checked[name].verdict for name in QUEUES] == ["ok"] * 4
    paths = sorted(f"/api/v1/fleet/probes/{name}/id-{name}" for name in QUEUES)
    assert sorted(api.taken_back) == paths
    assert made.left == []


def test_one_queue_that_never_answers_is_given_up_and_its_probe_taken_back() -> None:
    api = Api({"default": done(1.0)})
    made = run(api, replace(AIM, queue="default"), AIM, timeout_s=0.05)

    assert made.checked["labeling"].verdict == "not begun"
    assert made.checked["default"].verdict == "ok"
    assert "/api/v1/fleet/probes/labeling/id-labeling" in api.taken_back


@pytest.mark.parametrize(("hiccups", "verdict"), [(3, "ok"), (1000, "failed")])
def test_an_api_that_restarts_meanwhile_fails_no_queue_and_one_that_stays_away_does(
    hiccups: int, verdict: str
) -> None:
    api = Api({"labeling": done(1.0)}, hiccups=hiccups)
    made = run(api, AIM, timeout_s=0.2)

    assert made.checked["labeling"].verdict == verdict


def test_a_queue_that_is_blocked_or_refused_fails_alone_and_nothing_is_sent_to_it() -> None:
    api = Api({"default": done(1.0)}, refused="scraping")
    blocked = replace(AIM, blocked="paused")
    made = run(api, replace(AIM, queue="default"), replace(AIM, queue="scraping"), blocked)

    told = {name: (each.verdict, each.why) for name, each in made.checked.items()}
    assert told["scraping"] == ("not sent", "422: unknown task")
    assert told["labeling"] == ("not sent", "paused")
    assert [name for name, _ in api.sent] == ["default"]


def test_an_interrupted_round_leaves_no_probe() -> None:
    api = Api({}, interrupted=True)
    with pytest.raises(KeyboardInterrupt):
        run(api, *(replace(AIM, queue=name) for name in QUEUES))

    assert len(api.taken_back) == len(api.sent) == 4


def test_an_interrupt_while_probes_are_being_sent_leaves_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api, entered, go_on = Api({}), threading.Event(), threading.Event()

    def slow(*_: Any, queue: str, **__: Any) -> str:
        entered.set()
        go_on.wait(30)
        api.sent.append((queue, None))
        return f"id-{queue}"

    settled, result = rounds._settled, Future.result

    def interrupted(*_: Any) -> None:
        entered.wait(30)
        monkeypatch.setattr(Future, "result", result)
        raise KeyboardInterrupt

    def cancelled(future: Any) -> None:
        """Called once no further one can begin."""
        go_on.set()
        settled(future)

    monkeypatch.setattr(rounds, "_settled", cancelled)
    monkeypatch.setattr(api, "create", slow)
    monkeypatch.setattr(Future, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(api, *(replace(AIM, queue=f"q{n}") for n in range(20)))

    assert 1 <= len(api.sent) < 20
    assert len(api.taken_back) == len(api.sent)


def test_what_could_not_be_taken_back_is_told() -> None:
    api = Api({"labeling": done(1.0)}, away=True)

    (told,) = run(api, AIM).left
    assert "id-labeling of queue labeling" in told
    assert "503" in told


def test_a_probe_that_never_began_is_explained_by_its_workers_pods() -> None:
    checked = Checked(AIM, "not begun", "no worker took it")
    found = state(worker("labeling", 0, scaler_problem="no metrics"))
    mine = PodTrouble("worker-labeling-5d8f-abcde", "ImagePullBackOff", 3)
    others = PodTrouble("worker-labeling-fast-5d8f-abcde", "CrashLoopBackOff", 3)

    why = with_reasons(checked, found, [mine, others]).why
    assert why == (
        "no worker took it; worker labeling has 0 of 0 pods ready; its scaler is not ready: "
        "no metrics; pod worker-labeling-5d8f-abcde: ImagePullBackOff"
    )


def test_the_table_fits_80_columns_and_names_what_is_wrong_below() -> None:
    cold = replace(AIM, queue="training", promised_s=900, cold_s=22)
    checked = [
        Checked(AIM, "ok", "", 0.21, 0.012, "worker-labeling-58f7d97b86-x2kqz"),
        Checked(cold, "not begun", "no worker has taken the probe"),
    ]
    console = Console(width=80)
    with console.capture() as capture:
        console.print(view.render("stack s, namespace n", checked))
    lines = capture.get().splitlines()

    assert max(map(len, lines)) <= 80
    assert any("900 + 22" in line and "not begun" in line for line in lines)
    # Whole, if on two lines.
    assert lines[3].rstrip().endswith("worker-labeling-58f7d97b86-x2k")
    assert lines[4].strip() == "qz"
    assert lines[-1] == "x training: no worker has taken the probe"


@pytest.mark.parametrize(("paused", "code"), [(False, 0), (True, 1)])
def test_the_command_ends_with_1_where_a_queue_failed_and_names_it_in_json(
    monkeypatch: pytest.MonkeyPatch, *, paused: bool, code: int
) -> None:
    api = Api(dict.fromkeys(QUEUES, done(1.0)))
    found = state(worker("training", 0, paused=paused))
    begun = SimpleNamespace(
        api=api,
        stack="s",
        config=imagineer(),
        cluster=None,
        project=SimpleNamespace(stack_file=lambda _: FILE),
    )
    monkeypatch.setattr(session, "begin", lambda *_: begun)
    monkeypatch.setattr(fleet_state, "read", lambda *_: found)

    ended = CliRunner().invoke(app, ["smoke", "--json", "-s", "s"])

    told = json.loads(ended.stdout)
    assert ended.exit_code == code
    assert told["ok"] is not paused
    failed = [each["queue"] for each in told["queues"] if each["verdict"] != "ok"]
    assert failed == (["training"] if paused else [])
    assert told["left_out"] == []
    assert told["queues"][0]["tolerated_s"] == 60


def test_queues_that_were_left_out_are_told() -> None:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(view.render("s", [Checked(AIM, "ok")], ["training"]))

    assert capture.get().splitlines()[-1] == "! not looked at: training"
