"""`fleet burst`: fills a queue at once, and watches the fleet come, drain it and go."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from fleet import burst_record, fleet_state
from fleet.api_client import QueueStatistics
from fleet.burst_record import Sample, Summary
from fleet.fleet_state import WorkerState
from fleet.session import Session
from infra.models.agreement import plan
from rehearsal.errors import RehearsalError

TASK = "worker_image.tasks.canary.work"
_SENDERS = 8
_SAMPLE_S = 0.5
# Pod start, a KEDA poll, an HPA period, the cooldown and a grace; then the work itself on one slot.
_LIMIT_BASE_S = 180.0

Show = Callable[[list[Sample]], None]


@dataclass
class Burst:
    """One burst on one queue, from sending to rest."""

    session: Session
    queue: str
    tasks: int
    seconds: float
    worker: WorkerState
    before: QueueStatistics
    samples: list[Sample] = field(default_factory=list)
    task_ids: list[str] = field(default_factory=list)
    _began: float = 0.0
    _sent_s: float = 0.0

    def run(self, show: Show) -> Summary:
        """Send, watch until the worker rests again or time is up, then fetch every result."""
        self._began = time.monotonic()
        with ThreadPoolExecutor(_SENDERS, thread_name_prefix="sender") as senders:
            sending = [senders.submit(self._send) for _ in range(self.tasks)]
            try:
                while not all(future.done() for future in sending):
                    self._look(show)
                self.task_ids = [future.result() for future in sending]
            except BaseException:
                senders.shutdown(cancel_futures=True)
                raise
        self._watch(show)
        return self._summary()

    def _send(self) -> str:
        task_id = self.session.api.create(TASK, {"seconds": self.seconds}, queue=self.queue)
        self._sent_s = max(self._sent_s, self._elapsed_s())
        return task_id

    def _watch(self, show: Show) -> None:
        limit_s = _LIMIT_BASE_S + self._node_s() + self.tasks * self.seconds
        while self._elapsed_s() < limit_s:
            sample = self._look(show)
            if burst_record.is_at_rest(sample, self.tasks, self.worker.min_replicas):
                return

    def _node_s(self) -> float:
        """What it takes at most until a node has come, and how long its pod is kept at the end."""
        config = self.session.config
        if self.worker.name not in config.workers:
            return 0.0
        group = config.node_groups[config.workers[self.worker.name].node_group]
        kept_s = plan(config, self.worker.name).cooldown_period_s
        return group.launch_s + group.image_pull_s + kept_s

    def _look(self, show: Show) -> Sample:
        """Take one sample, at the pace of two a second."""
        due = self._began + len(self.samples) * _SAMPLE_S
        time.sleep(max(0.0, due - time.monotonic()))
        queue = self.session.api.queues()[self.queue]
        namespace, worker = self.session.config.namespace, self.worker.name
        replicas = fleet_state.worker_replicas(self.session.cluster, namespace, worker)
        sample = Sample(
            at_s=self._elapsed_s(),
            pending=queue.pending,
            in_flight=queue.in_flight,
            done=queue.done + queue.failed - self.before.done - self.before.failed,
            ready=replicas.ready if replicas else 0,
            desired=replicas.desired if replicas else 0,
        )
        self.samples.append(sample)
        show(self.samples)
        return sample

    def _summary(self) -> Summary:
        with ThreadPoolExecutor(_SENDERS) as askers:
            results = list(askers.map(self.session.api.result, self.task_ids))
        after = self.session.api.queues()[self.queue]
        return Summary(
            tasks=self.tasks,
            results=sum(result.status == "completed" for result in results),
            failed=sum(result.status == "failed" for result in results),
            redelivered=after.redelivered - self.before.redelivered,
            sent_after_s=self._sent_s,
            first_start_after_s=burst_record.first_start_s(self.samples),
            drained_after_s=burst_record.drained_s(self.samples, self.tasks),
            max_replicas=max(sample.ready for sample in self.samples),
            back_to_minimum_after_s=burst_record.at_rest_s(
                self.samples, self.tasks, self.worker.min_replicas
            ),
        )

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._began


def prepare(session: Session, queue: str, tasks: int, seconds: float) -> Burst:
    """Check that the queue exists and is served.

    Raises:
        RehearsalError: where it is not, naming the queues there are.

    """
    if queue not in session.config.queues:
        raise RehearsalError(
            what=f"there is no queue {queue!r}",
            why=f"stack {session.stack} has: {', '.join(session.config.queues)}",
            mend="name one of them",
            where=session.project.stack_file(session.stack),
        )
    state = fleet_state.read(session.cluster, session.config.namespace)
    worker = next((w for w in state.workers if queue in w.queues), None)
    before = session.api.queues().get(queue)
    if worker is None or before is None:
        raise RehearsalError(
            what=f"queue {queue!r} is not deployed",
            why="the stack file names it, the cluster does not (yet)",
            mend="provision it with: make up, or pulumi up",
        )
    return Burst(session, queue, tasks, seconds, worker, before)
