"""What `fleet smoke` tells: reasons, the table, JSON for programs."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.console import Console
from typer.testing import CliRunner

from fleet import fleet_state, session
from fleet.cli import app
from fleet.fleet_state import PodTrouble
from fleet.smoke import view
from fleet.smoke.reasons import with_reasons
from fleet.smoke.verdict import Checked
from tests.unit.recorder import imagineer
from tests.unit.smoke_stage import AIM, FILE, QUEUES, Api, done, state, worker


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
