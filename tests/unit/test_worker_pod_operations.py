"""When a pod's deletion cost is told, and when a drain ends."""

import json
import signal
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from celery import signals

from infra.manifests.deployment import worker_deployment
from infra.models.agreement import plan
from tests.unit.recorder import imagineer, render
from worker_image import pod_deadline
from worker_image.pod_deletion_cost import (
    INTERVAL_S,
    DeletionCost,
    OwnPod,
    PatchError,
    own_pod,
)


class Told:
    """Keeps what was told, or refuses."""

    def __init__(self) -> None:
        self.costs: list[int] = []
        self.now_s = 100.0
        self.refuses = False
        self.tries = 0

    def annotate(self, cost: int) -> None:
        self.tries += 1
        if self.refuses:
            raise PatchError("status 403: no")
        self.costs.append(cost)

    def cost(self) -> DeletionCost:
        return DeletionCost(self.annotate, lambda: self.now_s)


def test_an_idle_pod_that_never_worked_tells_nothing() -> None:
    told = Told()
    told.cost().look(0)

    assert told.costs == []


def test_a_pod_costs_more_while_it_holds_tasks() -> None:
    told = Told()
    cost = told.cost()
    for held in (0, 2, 3, 1, 0, 0):
        cost.look(held)
        told.now_s += INTERVAL_S

    assert told.costs == [1, 0]


def test_busy_and_idle_by_turns_writes_once_an_interval() -> None:
    told = Told()
    cost = told.cost()
    for second in range(60):
        cost.look(second % 2)
        told.now_s += 1

    assert len(told.costs) <= 60 / INTERVAL_S + 1
    assert told.costs[:2] == [1, 0]


def test_a_refusal_is_told_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    told = Told()
    told.refuses, cost = True, told.cost()
    for _ in range(3):
        cost.look(1)
        told.now_s += INTERVAL_S
    told.refuses = False
    cost.look(1)

    assert told.tries == 4
    assert told.costs == [1]
    assert [record.message for record in caplog.records] == [
        "the pod's deletion cost is not told: status 403: no"
    ]


def test_a_process_without_an_account_tells_nothing(tmp_path: Path) -> None:
    there = {"KUBERNETES_SERVICE_HOST": "::1", "KUBERNETES_SERVICE_PORT": "443"}

    assert own_pod("pod-1", None, there) is None
    assert own_pod("pod-1", tmp_path, {}) is None
    assert own_pod("pod-1", tmp_path, there) == OwnPod("pod-1", tmp_path, "::1", 443)


@pytest.mark.parametrize(("grace_s", "at_s"), [(1860, 1845), (60, 45), (20, 15)])
def test_what_still_runs_is_handed_back_before_the_grace_ends(grace_s: float, at_s: float) -> None:
    assert pod_deadline.deadline_s(grace_s) == at_s


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[float, Any]]]:
    started: list[tuple[float, Any]] = []

    class Timer:
        def __init__(self, after_s: float, then: Any) -> None:
            started.append((after_s, then))

        def start(self) -> None:
            pass

    monkeypatch.setattr(pod_deadline, "Timer", Timer)
    receivers = list(signals.worker_shutting_down.receivers)
    yield started
    signals.worker_shutting_down.receivers = receivers


def test_a_warm_shutdown_has_a_deadline_and_a_cold_one_needs_none(
    timers: list[tuple[float, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    monkeypatch.setattr("os.kill", lambda _pid, number: sent.append(number))
    pod_deadline.connect(60)

    signals.worker_shutting_down.send(sender="w", sig="SIGQUIT", how="Cold", exitcode=0)
    assert timers == []
    signals.worker_shutting_down.send(sender="w", sig="SIGTERM", how="Warm", exitcode=0)
    ((after_s, then),) = timers
    then()

    assert after_s == 45
    assert sent == [signal.SIGQUIT]


def test_without_a_grace_nothing_is_cut_short(timers: list[tuple[float, Any]]) -> None:
    pod_deadline.connect(None)
    signals.worker_shutting_down.send(sender="w", sig="SIGTERM", how="Warm", exitcode=0)

    assert timers == []


def telling() -> Any:
    raw = imagineer().model_dump(by_alias=True)["workers"]
    raw["training"]["podDeletionCost"] = True
    return imagineer(workers=raw)


def test_only_a_worker_that_tells_its_cost_gets_a_token() -> None:
    config = telling()
    for worker in config.workers:
        deployment = worker_deployment(config, worker)
        pod = deployment["template"]["spec"]
        env = {e["name"]: e.get("value") for e in pod["containers"][0]["env"]}
        tells = worker == "training"

        assert pod["automountServiceAccountToken"] is tells
        assert ("FLEET_SERVICE_ACCOUNT_DIR" in env) is tells
        assert pod.get("serviceAccountName") == ("worker-training" if tells else None)
        assert env["FLEET_GRACE_SECONDS"] == str(plan(config, worker).grace_s)


def test_its_account_may_patch_pods_and_a_policy_says_which() -> None:
    rendered = render(telling())

    (role,) = rendered.of_kind("Role").values()
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]}]
    (binding,) = rendered.of_kind("RoleBinding").values()
    assert [subject["name"] for subject in binding["subjects"]] == ["worker-training"]
    assert set(rendered.of_kind("ServiceAccount")) == {"worker-training"}
    policy = rendered.of_kind("ValidatingAdmissionPolicy")["celery-fleet-local-own-pod"]
    assert policy["spec"]["failurePolicy"] == "Fail"
    assert json.dumps(policy["spec"]["matchConditions"]).count("worker-training") == 1
    bound = rendered.of_kind("ValidatingAdmissionPolicyBinding")["celery-fleet-local-own-pod"]
    assert bound["spec"]["policyName"] == policy["metadata"]["name"]


def test_a_fleet_that_tells_no_cost_has_no_account_and_no_policy_about_one() -> None:
    rendered = render(imagineer())

    for kind in ("ServiceAccount", "Role", "RoleBinding"):
        assert rendered.of_kind(kind) == {}
    assert set(rendered.of_kind("ValidatingAdmissionPolicy")) == {"celery-fleet-local-images"}


def test_an_api_server_that_speaks_no_tls_is_a_patch_error(tmp_path: Path) -> None:
    class Plain(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Plain)
    Thread(target=server.serve_forever, daemon=True).start()
    for name in ("token", "namespace"):
        (tmp_path / name).write_text("x")
    (tmp_path / "ca.crt").write_text("")
    try:
        with pytest.raises(PatchError, match=r"127\.0\.0\.1"):
            OwnPod("pod-1", tmp_path, "127.0.0.1", server.server_port).annotate(1)
    finally:
        server.shutdown()
        server.server_close()
