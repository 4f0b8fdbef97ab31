"""Idle pods go first: a worker tells Kubernetes, on its own pod, whether it holds a task.

At a scale-in the ReplicaSet controller takes pods of the lowest `pod-deletion-cost` first. The
worker says 1 while it holds tasks and 0 while it holds none, at most every few seconds, from a
thread of its own; where the API server does not answer, tasks go on and a later look tries again.
"""

import json
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from threading import Thread

from celery import signals
from celery.worker import state

ANNOTATION = "controller.kubernetes.io/pod-deletion-cost"
# Each pod costs the API server at most so many writes; tasks of a second are not worth any.
INTERVAL_S = 10.0
_LOOK_S = 1.0
_TIMEOUT_S = 5.0
_OK = 200

logger = logging.getLogger(__name__)


class PatchError(Exception):
    """The API server refused, or did not answer."""


@dataclass(frozen=True)
class OwnPod:
    """The process's own pod, as the token that Kubernetes mounted lets it be patched."""

    name: str
    account: Path
    """Folder with `token`, `ca.crt` and `namespace`."""
    host: str
    port: int

    def annotate(self, cost: int) -> None:
        """Set the pod's deletion cost.

        Raises:
            PatchError: naming the status or the failure.

        """
        try:
            status, told = self._patch({"metadata": {"annotations": {ANNOTATION: str(cost)}}})
        except (OSError, HTTPException) as error:
            raise PatchError(f"{self.host}:{self.port}: {error}") from error
        if status != _OK:
            raise PatchError(f"status {status}: {told[:300]}")

    def _patch(self, change: object) -> tuple[int, str]:
        # Read anew each time: Kubernetes renews the token while the pod runs.
        token = (self.account / "token").read_text().strip()
        namespace = (self.account / "namespace").read_text().strip()
        context = ssl.create_default_context(cafile=str(self.account / "ca.crt"))
        link = HTTPSConnection(self.host, self.port, timeout=_TIMEOUT_S, context=context)
        try:
            link.request(
                "PATCH",
                f"/api/v1/namespaces/{namespace}/pods/{self.name}",
                json.dumps(change),
                {
                    "Authorization": f"Bearer {token}",
                    "Content-Type": "application/merge-patch+json",
                },
            )
            answer = link.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        finally:
            link.close()


class DeletionCost:
    """Decides when the pod's cost is told again; `annotate` does it and may fail."""

    def __init__(
        self, annotate: Callable[[int], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._annotate = annotate
        self._clock = clock
        self._told = 0  # what a pod without the annotation costs
        self._tried_at = -INTERVAL_S
        self._failing = False

    def look(self, held: int) -> None:
        """Tell whether tasks are held, if that has changed and the last try is long enough ago."""
        cost, now = int(held > 0), self._clock()
        if cost == self._told or now - self._tried_at < INTERVAL_S:
            return
        self._tried_at = now
        try:
            self._annotate(cost)
        except PatchError as error:
            if not self._failing:
                logger.warning("the pod's deletion cost is not told: %s", error)
            self._failing = True
        else:
            self._told, self._failing = cost, False


def connect(pod: OwnPod | None) -> None:
    """Look once a second from the moment the worker consumes; nothing for a process without pod."""
    if pod is None:
        return

    def start(**_: object) -> None:
        Thread(target=_watch, args=(DeletionCost(pod.annotate),), daemon=True).start()

    signals.worker_ready.connect(start, weak=False)


def own_pod(name: str | None, account: Path | None, environ: Mapping[str, str]) -> OwnPod | None:
    """Return the pod that may be patched; None where the pod was given no account for it."""
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT")
    if account is None or name is None:
        return None
    if not host or not port:
        logger.warning("the pod's deletion cost is not told: KUBERNETES_SERVICE_HOST is not set")
        return None
    return OwnPod(name, account, host, int(port))


def _watch(cost: DeletionCost) -> None:
    while True:
        cost.look(len(state.reserved_requests))
        time.sleep(_LOOK_S)
