"""Reports a pod's status to the API server, whenever and only when it differs."""

import asyncio
import logging
import time

from rehearsal.node_agent.api.errors import ApiRefusedError
from rehearsal.node_agent.api.retry import until_answered
from rehearsal.node_agent.model.base import JsonObject
from rehearsal.node_agent.model.pod import Condition
from rehearsal.node_agent.pods.runtime import PodRuntime
from rehearsal.node_agent.rules.pod_status import pod_status

_log = logging.getLogger(__name__)


class StatusReporter:
    """What the API server has been told of one pod."""

    def __init__(self, runtime: PodRuntime) -> None:
        self._runtime = runtime
        self._told: JsonObject | None = None
        self._conditions = {c.type: c for c in runtime.pod.status.conditions}
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> None:
        while True:
            await self._runtime.changed.wait()
            self._runtime.changed.clear()
            await self.report()

    async def report(self) -> None:
        """Tell the status as it is now; waits until the API server has answered."""
        async with self._one_at_a_time:
            status = pod_status(self._runtime.view(), self._conditions, time.time())
            if status == self._told:
                return
            try:
                await until_answered(lambda: self._patch(status))
            except ApiRefusedError as error:
                # Gone, or replaced by another pod of the same name: the watch will tell.
                level = logging.DEBUG if error.not_found or error.conflict else logging.WARNING
                _log.log(level, "status of pod %s: %s", self._runtime.pod.key, error)
            self._told = status
            self._conditions |= {c["type"]: _condition(c) for c in status["conditions"]}

    async def _patch(self, status: JsonObject) -> None:
        meta = self._runtime.pod.metadata
        path = f"/api/v1/namespaces/{meta.namespace}/pods/{meta.name}/status"
        body = {"metadata": {"uid": meta.uid}, "status": status}
        await self._runtime.services.api.patch(path, body, "strategic-merge-patch")


def _condition(told: JsonObject) -> Condition:
    return Condition(
        type=told["type"],
        status=told["status"],
        last_transition_time=told["lastTransitionTime"],
    )
