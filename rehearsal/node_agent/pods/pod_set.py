"""All pods of this agent's nodes: one worker each, and what earlier agents left behind."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path

from rehearsal.node_agent.model.base import JsonObject
from rehearsal.node_agent.model.pod import Pod
from rehearsal.node_agent.pods.farewell import ask_deletion, confirm_deletion
from rehearsal.node_agent.pods.members import end_strangers
from rehearsal.node_agent.pods.pod_folder import PodFolder, pod_folders
from rehearsal.node_agent.pods.runtime import PodRuntime, new_record
from rehearsal.node_agent.pods.services import Services
from rehearsal.node_agent.pods.worker import PodWorker
from rehearsal.node_agent.rules.addresses import next_address, pod_network
from rehearsal.node_agent.rules.records import PodRecord

_TRIED_AGAIN_S = 10.0
_API_CALLS_S = 1.5
"""What a stop leaves for last status reports once the processes are gone."""
_OVER = {"Succeeded", "Failed"}

_log = logging.getLogger(__name__)


class PodSet:
    """Gives every pod that is bound to one of the agent's nodes a worker."""

    def __init__(self, pods: Path, services: Services, owns_node: Callable[[str], bool]) -> None:
        self._pods = pods
        self._network = pod_network(pods)
        self._services = services
        self._owns_node = owns_node
        self._workers: dict[str, PodWorker] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._left: dict[str, PodRecord | None]
        """Folders that an earlier agent, or a worker that failed, has left."""
        self._left = {folder.path.name: folder.read_record() for folder in pod_folders(pods)}
        self._addresses = {name: r.ip for name, r in self._left.items() if r}
        self._latest_address: str | None = None
        self._present: set[str] = set()
        """Folders of the pods that have a worker."""
        self._swept = False
        self._stopping = False

    def on_set(self, item: JsonObject) -> None:
        if self._stopping or not self._owns_node(item["spec"].get("nodeName", "")):
            return
        pod = Pod.model_validate(item)
        worker = self._workers.get(pod.metadata.uid)
        if worker:
            worker.update(pod)
        elif self._is_over(pod):
            if pod.metadata.deletion_timestamp:
                self._spawn(confirm_deletion(self._services.api, pod.metadata))
        else:
            self._begin(pod)

    def on_gone(self, item: JsonObject) -> None:
        worker = self._workers.get(item["metadata"]["uid"])
        pod = Pod.model_validate(item)
        if worker:
            worker.removed(pod)
        elif pod.folder_name in self._left:
            self._forget(pod.folder_name)

    def on_listed(self) -> None:
        """Now that every pod is known: clear away what belongs to none."""
        if not self._swept:
            self._swept = True
            self._spawn(self._sweep())

    async def drain(self, node: str) -> None:
        """End the pods of a node that is to go, each with its own grace."""
        leaving = [w for w in self._workers.values() if w.runtime.pod.spec.node_name == node]
        for worker in leaving:
            await ask_deletion(self._services.api, worker.runtime.pod.metadata)
        while any(worker in self._workers.values() for worker in leaving):
            await asyncio.sleep(0.2)

    async def stop(self, limit_s: float) -> None:
        """Stop every process within the limit; the pods themselves stay, for the next agent."""
        self._stopping = True
        for worker in self._workers.values():
            worker.suspend(limit_s)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=limit_s + _API_CALLS_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def folders(self) -> Iterator[PodFolder]:
        for worker in self._workers.values():
            yield worker.runtime.folder

    def _is_over(self, pod: Pod) -> bool:
        """It ended under an earlier agent, and nothing of it is left."""
        return pod.status.phase in _OVER and pod.folder_name not in self._left

    def _begin(self, pod: Pod) -> None:
        folder = PodFolder(self._pods / pod.folder_name)
        record = self._left.pop(folder.path.name, None)
        adopted = record is not None
        if record is None:
            record = new_record(pod, self._address_for(folder.path.name))
        folder.create()
        folder.write_record(record)
        runtime = PodRuntime(pod, record, folder, self._services, adopted=adopted)
        worker = self._workers[pod.metadata.uid] = PodWorker(runtime)
        self._present.add(pod.folder_name)
        worker.update(pod)
        task = self._spawn(worker.run())
        task.add_done_callback(partial(self._ended, worker))

    def _ended(self, worker: PodWorker, task: asyncio.Task[None]) -> None:
        pod = worker.runtime.pod
        del self._workers[pod.metadata.uid]
        self._present.discard(pod.folder_name)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._addresses.pop(pod.folder_name, None)
            return
        # One pod's trouble is not the other pods': it is taken up again from its record.
        _log.error("pod %s: tried again in %.0f s", pod.key, _TRIED_AGAIN_S, exc_info=error)
        self._left[pod.folder_name] = worker.runtime.record
        asyncio.get_running_loop().call_later(_TRIED_AGAIN_S, self._take_up_again, pod)

    def _take_up_again(self, pod: Pod) -> None:
        if pod.folder_name in self._left:
            self._begin(pod)

    def _address_for(self, name: str) -> str:
        taken = set(self._addresses.values())
        self._latest_address = next_address(self._network, self._latest_address, taken)
        self._addresses[name] = self._latest_address
        return self._latest_address

    async def _sweep(self) -> None:
        stale = list(self._left)
        await end_strangers(self._pods, self._present)
        for name in stale:
            _log.info("pod folder %s belongs to no pod: removed", name)
            self._forget(name)

    def _forget(self, name: str) -> None:
        PodFolder(self._pods / name).remove()
        self._addresses.pop(name, None)
        self._left.pop(name, None)

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
