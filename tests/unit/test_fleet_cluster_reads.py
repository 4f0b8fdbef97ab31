"""What the operator's commands read off the cluster and the API, and how they tell it."""

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from fleet import api_client, fleet_state, readiness, status
from fleet.api_client import FleetApi
from fleet.fleet_state import FleetState, Replicas, WorkerState
from fleet.kubernetes import Cluster
from rehearsal.errors import RehearsalError
from tests.unit.recorder import imagineer

NAMESPACE = "celery-fleet-local"
Handler = Callable[[httpx.Request], httpx.Response]


def cluster(objects: dict[str, Any]) -> Cluster:
    """A cluster that has these objects by path, and answers 404 to all else."""

    def answer(request: httpx.Request) -> httpx.Response:
        found = objects.get(request.url.path)
        return httpx.Response(404 if found is None else 200, json=found or {})

    transport = httpx.MockTransport(answer)
    return Cluster(httpx.Client(base_url="https://cluster", transport=transport))


def deployment(name: str, desired: int, ready: int, **status: int) -> dict[str, Any]:
    counts = {"replicas": desired, "updatedReplicas": desired, "readyReplicas": ready}
    return {
        "metadata": {"name": name, "generation": 2},
        "spec": {"replicas": desired},
        "status": {"observedGeneration": 2, **counts, **status},
    }


def scaler(worker: str, ready: str = "True", **annotations: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"celery-fleet.dev/worker": worker}, "annotations": annotations},
        "spec": {
            "scaleTargetRef": {"name": f"worker-{worker}"},
            "minReplicaCount": 0,
            "maxReplicaCount": 6,
        },
        "status": {"conditions": [{"type": "Ready", "status": ready, "message": "no redis"}]},
    }


def fleet_objects(**changes: Any) -> dict[str, Any]:
    served = {"labeling": {"queues": ["labeling", "other"]}}
    queues = {"labeling": {"alert": {"pending": 25, "forMinutes": 15}}, "other": {}}
    settings = json.dumps({"workers": served, "queues": queues})
    apps, keda = "/apis/apps/v1", "/apis/keda.sh/v1alpha1"
    deployments = [deployment(name, 1, 1) for name in ("api", "beat", "janitor")]
    return {
        f"{apps}/namespaces/{NAMESPACE}/deployments": {
            "items": [*deployments, deployment("worker-labeling", 3, 2)]
        },
        f"{keda}/namespaces/{NAMESPACE}/scaledobjects": {"items": [scaler("labeling")]},
        f"/api/v1/namespaces/{NAMESPACE}/configmaps/celery-settings": {
            "data": {"settings.json": settings}
        },
        **changes,
    }


def test_a_worker_is_read_with_its_queues_bounds_and_replicas() -> None:
    state = fleet_state.read(cluster(fleet_objects()), NAMESPACE)

    (worker,) = state.workers
    assert worker.queues == ("labeling", "other")
    assert (worker.replicas.ready, worker.replicas.desired) == (2, 3)
    assert (worker.min_replicas, worker.max_replicas) == (0, 6)
    assert not worker.paused
    assert worker.scaler_problem is None


def test_an_empty_cluster_reads_as_an_empty_fleet() -> None:
    assert fleet_state.read(cluster({}), NAMESPACE) == FleetState((), None, None)


def test_a_rollout_under_way_is_not_settled() -> None:
    rolling = fleet_state._replicas(deployment("api", 1, 1, replicas=2))
    unseen = fleet_state._replicas(deployment("api", 1, 1, observedGeneration=1))

    unready = fleet_state._replicas(deployment("api", 1, 0))

    assert not rolling.settled
    assert not unready.settled
    assert not unseen.settled
    assert fleet_state._replicas(deployment("api", 1, 1)).settled


def test_a_crashing_container_and_an_unplaced_pod_are_troubles_a_starting_one_is_not() -> None:
    def pod(name: str, reason: str) -> dict[str, Any]:
        waiting = {"state": {"waiting": {"reason": reason}}, "restartCount": 4}
        return {"metadata": {"name": name}, "status": {"containerStatuses": [waiting]}}

    unplaced = {"type": "PodScheduled", "status": "False", "message": "no gpu"}
    pods = [
        pod("a", "CrashLoopBackOff"),
        pod("b", "ContainerCreating"),
        {"metadata": {"name": "c"}, "status": {"conditions": [unplaced]}},
    ]
    path = f"/api/v1/namespaces/{NAMESPACE}/pods"

    troubles = fleet_state.troubled_pods(cluster({path: {"items": pods}}), NAMESPACE)

    told = [(trouble.pod, trouble.reason, trouble.restarts) for trouble in troubles]
    assert told == [("a", "CrashLoopBackOff", 4), ("c", "not placed: no gpu", 0)]


def test_a_paused_scaler_and_a_missing_api_are_noticed() -> None:
    paused = {"autoscaling.keda.sh/paused": "true"}
    path = f"/apis/keda.sh/v1alpha1/namespaces/{NAMESPACE}/scaledobjects"
    objects = fleet_objects(**{path: {"items": [scaler("labeling", **paused)]}})
    state = fleet_state.read(cluster(objects), NAMESPACE)

    notices = list(
        status.fleet_notices(FleetState(state.workers, state.beat, None, {}, state.janitor), [])
    )

    assert notices[0] == "api is not deployed"
    assert "worker labeling is paused" in notices[1]


def test_ready_means_api_beat_janitor_and_every_scaler_of_the_stack() -> None:
    config = imagineer()
    up = Replicas(1, 1, settled=True)
    workers = tuple(
        WorkerState(name, (name,), Replicas(0, 0, settled=True), 0, 3, False, None)  # noqa: FBT003 - paused
        for name in config.workers
    )
    broken = WorkerState("labeling", (), up, 0, 3, False, "no redis")  # noqa: FBT003 - paused

    assert list(readiness.unready(FleetState(workers, up, up, janitor=up), config)) == []
    assert list(readiness.unready(FleetState((*workers, broken), up, up, {}, up), config)) == [
        "the scaler of worker labeling: no redis"
    ]
    assert list(readiness.unready(FleetState(workers[1:], None, up), config)) == [
        "beat: it does not exist",
        "janitor: it does not exist",
        f"worker {workers[0].name}: it does not exist",
    ]


def test_a_worker_is_at_rest_when_neither_wanted_nor_ready_replicas_exceed_its_minimum() -> None:
    def worker(name: str, ready: int, desired: int) -> WorkerState:
        replicas = Replicas(ready, desired, settled=True)
        return WorkerState(name, (name,), replicas, 1, 3, False, None)  # noqa: FBT003 - paused

    workers = (worker("resting", 1, 1), worker("going", 2, 1), worker("coming", 1, 2))

    assert list(readiness.above_minimum(FleetState(workers, None, None))) == ["going", "coming"]


def test_an_api_server_that_is_away_says_how_to_start_it() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    away = Cluster(httpx.Client(base_url="https://cluster", transport=httpx.MockTransport(refuse)))

    with pytest.raises(RehearsalError, match="make up"):
        away.get("/api")


def api_pod(address: str, ready: str, **metadata: str) -> dict[str, Any]:
    return {
        "metadata": metadata,
        "spec": {"containers": [{"ports": [{"name": "http", "containerPort": 8000}]}]},
        "status": {"podIP": address, "conditions": [{"type": "Ready", "status": ready}]},
    }


def test_the_api_is_found_by_a_ready_pod_that_stays_and_its_token() -> None:
    pods = [
        api_pod("127.77.0.7", "True", deletionTimestamp="2026-11-21T09:47:31Z"),
        api_pod("127.77.0.8", "False"),
        api_pod("127.77.0.9", "True"),
    ]
    token = {"data": {"token": base64.b64encode(b"secret").decode()}}
    objects = {
        f"/api/v1/namespaces/{NAMESPACE}/pods": {"items": pods},
        f"/api/v1/namespaces/{NAMESPACE}/secrets/api-token": token,
    }

    found = api_client.connect(cluster(objects), NAMESPACE)

    assert str(found._http.base_url) == "http://127.77.0.9:8000"
    assert found._http.headers["authorization"] == "Bearer secret"


def test_an_api_without_a_ready_pod_is_an_error() -> None:
    with pytest.raises(RehearsalError, match="HTTP API is not ready"):
        api_client.connect(cluster({}), NAMESPACE)


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_client, "_PAUSE_S", 0)


def api(handler: Handler) -> FleetApi:
    return FleetApi(httpx.Client(base_url="http://api", transport=httpx.MockTransport(handler)))


@pytest.mark.usefixtures("no_pause")
def test_a_broker_outage_is_waited_out() -> None:
    answers = iter([503, 503, 200])

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(next(answers), json={"task_id": "a"})

    assert api(answer).create("t", {}) == "a"


@pytest.mark.usefixtures("no_pause")
def test_a_post_that_may_have_arrived_is_not_sent_again() -> None:
    sent = []

    def hang(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        raise httpx.ReadTimeout("late", request=request)

    with pytest.raises(RehearsalError, match="does not answer"):
        api(hang).create("t", {})
    assert len(sent) == 1


def test_a_refused_task_shows_the_apis_own_reason() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        return httpx.Response(422, json={"detail": "unknown task"})

    with pytest.raises(RehearsalError, match=r"422.*unknown task"):
        api(refuse).create("t", {})


def test_only_what_the_caller_gives_is_sent() -> None:
    bodies = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return httpx.Response(200, json={"task_id": "a"})

    api(answer).create("t", {"x": 1})
    api(answer).create("t", {}, queue="labeling", priority=0)

    assert bodies == [
        {"task": "t", "kwargs": {"x": 1}},
        {"task": "t", "kwargs": {}, "queue": "labeling", "priority": 0},
    ]
