"""The fleet's HTTP API, found through the cluster: at a pod's address, or by a way to there."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from fleet.kubernetes import Cluster, Object, condition
from fleet.port_forward import HOST
from infra import names
from infra.manifests.labels import selector
from rehearsal.errors import RehearsalError

_ATTEMPTS = 5
_PAUSE_S = 0.5
_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class QueueStatistics:
    """What the API knows of one queue; counts are since the broker's data began."""

    pending: int
    in_flight: int
    done: int
    failed: int
    redelivered: int
    wait_p50_s: float | None
    wait_p95_s: float | None
    tenants: int | None = None
    """With messages waiting; None where the queue is not fair."""


@dataclass(frozen=True)
class Result:
    """State of one task."""

    status: Literal["pending", "completed", "failed"]
    value: Any = None
    error: str | None = None


class RefusedError(RehearsalError):
    """What the API does not do; `why` ends with its own sentence."""


class NotThereError(RefusedError):
    """What the API does not know."""


class FleetApi:
    """Sends tasks and asks for results; safe to share between threads."""

    def __init__(self, client: httpx.Client) -> None:
        self._http = client

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def create(
        self,
        task: str,
        kwargs: Mapping[str, Any],
        *,
        queue: str | None = None,
        priority: int | None = None,
        tenant: str | None = None,
    ) -> str:
        """Send a task and return its id; a tenant only to a fair queue.

        Raises:
            RehearsalError: where the API refuses it or is away.

        """
        body: dict[str, Any] = {"task": task, "kwargs": dict(kwargs), "queue": queue}
        body |= {"priority": priority, "tenant": tenant}
        given = {key: value for key, value in body.items() if value is not None}
        return str(self.ask("POST", "/create", given)["task_id"])

    def result(self, task_id: str) -> Result:
        """Ask for a task's result, without waiting."""
        answer = self.ask("GET", f"/result/{task_id}")
        return Result(answer["status"], answer.get("result"), answer.get("error"))

    def queues(self) -> dict[str, QueueStatistics]:
        """Return the statistics by queue."""
        answer = self.ask("GET", "/api/v1/fleet/queues")
        return {name: _statistics(entry) for name, entry in answer["queues"].items()}

    def ask(self, method: str, path: str, body: object = None) -> Object:
        """Ask, and again while the broker is away; only what may be asked twice.

        Raises:
            NotThereError: it does not know what the path names.
            RefusedError: it does not do it for another reason.
            RehearsalError: it is away.

        """
        for attempt in range(_ATTEMPTS):
            try:
                answer = self._http.request(method, path, json=body)
            except httpx.ConnectError as error:
                # Nothing was sent, so a second POST cannot make a second task.
                problem = str(error)
            except httpx.HTTPError as error:
                raise _unreachable(self._http.base_url, str(error) or repr(error)) from error
            else:
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    return _checked(answer)
                problem = answer.text
            time.sleep(_PAUSE_S * (attempt + 1))
        raise _unreachable(self._http.base_url, problem)


def connect(
    cluster: Cluster, namespace: str, forward: httpx.BaseTransport | None = None
) -> FleetApi:
    """Find the API's address and token in the cluster.

    Args:
        cluster: where the API runs.
        namespace: the fleet's.
        forward: the way to it, where its pods' addresses lead nowhere from here.

    Raises:
        RehearsalError: where no pod of the API is ready.

    """
    secret = cluster.secret(namespace, names.API_TOKEN)
    address = pod_address(cluster, namespace)
    if secret is None or address is None:
        raise RehearsalError(
            what="the fleet's HTTP API is not ready",
            why="it has no ready pod" if secret else f"Secret {names.API_TOKEN} does not exist",
            mend="provision it with: make up, or pulumi up; see why with: fleet doctor",
            where=f"namespace {namespace}, Deployment {names.API}",
        )
    client = httpx.Client(
        base_url=f"http://{address if forward is None else HOST}",
        transport=forward,
        headers={"Authorization": f"Bearer {secret['token']}"},
        timeout=_TIMEOUT_S,
        limits=httpx.Limits(max_connections=32, max_keepalive_connections=32),
        trust_env=False,
    )
    return FleetApi(client)


def pod_address(cluster: Cluster, namespace: str) -> str | None:
    """Return `ip:port` of a ready pod of the API.

    Not from a Service's EndpointSlices: Kubernetes refuses loopback addresses in them, and the
    pods' addresses are on this machine's loopback. And a preview may have no Service.
    """
    wanted = ",".join(f"{key}={value}" for key, value in selector(namespace, "api").items())
    pods = cluster.items(f"/api/v1/namespaces/{namespace}/pods", labelSelector=wanted)
    ready = [pod for pod in pods if _is_ready(pod)]
    return f"{ready[0]['status']['podIP']}:{_port(ready[0])}" if ready else None


def _is_ready(pod: Object) -> bool:
    going = pod["metadata"].get("deletionTimestamp") is not None
    return not going and condition(pod, "Ready").get("status") == "True"


def _port(pod: Object) -> int:
    ports = [port for c in pod["spec"]["containers"] for port in c.get("ports") or []]
    return next(int(port["containerPort"]) for port in ports if port.get("name") == "http")


def _statistics(entry: Object) -> QueueStatistics:
    return QueueStatistics(
        pending=entry["pending"],
        in_flight=entry["in_flight"],
        tenants=entry["tenants"],
        done=entry["done"],
        failed=entry["failed"],
        redelivered=entry["redelivered"],
        wait_p50_s=entry["wait_p50_seconds"],
        wait_p95_s=entry["wait_p95_seconds"],
    )


def _checked(answer: httpx.Response) -> Object:
    if answer.is_success:
        found: Object = answer.json()
        return found
    missing = answer.status_code == httpx.codes.NOT_FOUND
    raise (NotThereError if missing else RefusedError)(
        what=f"the fleet's HTTP API refused {answer.request.method} {answer.request.url.path}",
        why=_said(answer),
        mend="correct the request; the API's log lies in the pods' folder (`fleet doctor`)",
        where=str(answer.request.url),
    )


def _said(answer: httpx.Response) -> str:
    """The API's own sentence, or whatever came."""
    try:
        return f"{answer.status_code}: {answer.json()['detail']}"
    except (ValueError, LookupError, TypeError):
        return f"{answer.status_code}: {answer.text[:500]}"


def _unreachable(where: httpx.URL, why: str) -> RehearsalError:
    return RehearsalError(
        what="the fleet's HTTP API does not answer",
        why=why,
        mend="see its pod with: fleet doctor; then: make up, or pulumi up",
        where=str(where),
    )
