"""One queue on Redis and the Celery processes that take from it, as kombu and Celery behave."""

from collections import deque
from collections.abc import Callable, Sequence

from fleet.simulation.agenda import Agenda
from fleet.simulation.policy import Delivery

# kombu scans when a worker starts and at every 10th of its 10 s timers (kombu 5.7.0,
# unacked_restore_interval and unacked_restore_throttle).
_RESTORE_PERIOD_S = 100.0

_OPEN, _DONE, _LOST = 0, 1, 2
_NEVER = -1.0


class Worker:
    """One pod's Celery process."""

    __slots__ = ("alive", "held", "leave", "listening", "running", "serving")

    def __init__(self, leave: Callable[[], None]) -> None:
        self.running: list[int] = []
        self.held: deque[int] = deque()
        """Prefetched tasks that wait for a slot of this pod."""
        self.listening = False
        self.serving = False
        self.alive = True
        self.leave = leave
        """Called once, when the process is gone."""


class QueueWorkers:
    """Pending and unacknowledged messages, and what became of each task."""

    def __init__(self, agenda: Agenda, delivery: Delivery, duration_s: Sequence[float]) -> None:
        tasks = len(duration_s)
        self._agenda = agenda
        self._duration_s = duration_s
        self._slots = delivery.concurrency
        self._capacity = delivery.capacity
        self._late_ack = delivery.late_ack
        self._leased = delivery.leased
        self._visibility_timeout_s = delivery.visibility_timeout_s
        self._listening: deque[Worker] = deque()
        self._fate = bytearray(tasks)
        self._busy = 0
        self._busy_since_s = 0.0
        self._busy_slot_s = 0.0
        self.pending: deque[int] = deque()
        self.unacked: dict[int, float] = {}
        """Task to time of delivery, oldest first; a redelivered message keeps its tag."""
        self._expiring: dict[int, float] = {} if delivery.leased else self.unacked
        """Those that nobody renews."""
        self.started_s = [_NEVER] * tasks
        self.ended_s = [_NEVER] * tasks
        self.open = tasks
        self.serving = 0
        self.executions = 0
        self.killed = 0
        self.redelivered = 0
        self.repeated_ends = 0
        self._ends = 0

    @property
    def in_flight(self) -> int:
        """Messages delivered and not acknowledged: running tasks only with late acknowledgement."""
        return len(self.unacked)

    @property
    def quiet(self) -> bool:
        """Every task is done or lost, and no copy of one waits or runs."""
        executing = self.executions - self._ends - self.killed
        return not (self.open or self.pending or self.unacked or executing)

    @property
    def lost(self) -> int:
        """Tasks acknowledged, then killed: nobody will run them again."""
        return self._fate.count(_LOST)

    @property
    def busy_slots(self) -> int:
        """Running tasks of workers that are not shutting down."""
        return self._busy

    def busy_slot_s(self) -> float:
        """Slot-seconds spent on tasks so far, by workers that were not shutting down."""
        self._change_busy(0)
        return self._busy_slot_s

    def publish(self, task: int) -> None:
        """A producer sends a task."""
        self.pending.append(task)
        self._dispatch()

    def join(self, worker: Worker) -> None:
        """A worker has started and asks for tasks."""
        worker.serving = True
        self.serving += 1
        self._listen(worker)
        self._dispatch()
        self._restore_visible(worker)

    def drain(self, worker: Worker) -> None:
        """SIGTERM: running tasks go on, nothing new begins.

        Measured on Celery 5.7: prefetched messages go back to the queue when the process ends,
        after its running tasks, not at the signal.
        """
        worker.serving = False
        self.serving -= 1
        self._change_busy(-len(worker.running))
        if not worker.running:
            self._exit(worker)

    def kill(self, worker: Worker) -> None:
        """SIGKILL, unless the process is gone by itself: messages it holds stay unacknowledged."""
        if not worker.alive:
            return
        worker.alive = False
        self.killed += len(worker.running)
        if self._leased:
            held = [task for task in (*worker.running, *worker.held) if task in self.unacked]
            self._expiring.update(dict.fromkeys(held, self._agenda.now_s))
        if not self._late_ack:
            for task in worker.running:
                if self._fate[task] == _OPEN:
                    self._fate[task] = _LOST
                    self.open -= 1
        worker.leave()

    def _dispatch(self) -> None:
        pending, listening = self.pending, self._listening
        while pending and listening:
            worker = listening.popleft()
            worker.listening = False
            if worker.serving:
                self._deliver(worker, pending.popleft())

    def _listen(self, worker: Worker) -> None:
        if not worker.listening and len(worker.running) + len(worker.held) < self._capacity:
            worker.listening = True
            self._listening.append(worker)

    def _deliver(self, worker: Worker, task: int) -> None:
        self.unacked[task] = self._agenda.now_s
        if len(worker.running) < self._slots:
            self._start(worker, task)
        else:
            worker.held.append(task)
        # Behind the others: Redis serves the client that has waited longest.
        self._listen(worker)

    def _start(self, worker: Worker, task: int) -> None:
        now_s = self._agenda.now_s
        worker.running.append(task)
        self.executions += 1
        if self.started_s[task] == _NEVER:
            self.started_s[task] = now_s
        if not self._late_ack:
            self.unacked.pop(task, None)
        self._change_busy(1)
        self._agenda.at(now_s + self._duration_s[task], self._end, worker, task)

    def _end(self, worker: Worker, task: int) -> None:
        if not worker.alive:
            return
        worker.running.remove(task)
        if self._late_ack:
            self.unacked.pop(task, None)
        self._record_end(task)
        if not worker.serving:
            if not worker.running:
                self._exit(worker)
            return
        self._change_busy(-1)
        if worker.held:
            self._start(worker, worker.held.popleft())
        self._listen(worker)
        self._dispatch()

    def _record_end(self, task: int) -> None:
        self._ends += 1
        if self._fate[task] == _DONE:
            self.repeated_ends += 1
            return
        if self._fate[task] == _OPEN:
            self.open -= 1
        self._fate[task] = _DONE
        self.ended_s[task] = self._agenda.now_s

    def _exit(self, worker: Worker) -> None:
        worker.alive = False
        held = [task for task in worker.held if task in self.unacked]
        worker.held.clear()
        self._put_back(held)
        worker.leave()

    def _put_back(self, tasks: list[int]) -> None:
        for task in reversed(tasks):
            del self.unacked[task]
            self._expiring.pop(task, None)
            self.pending.appendleft(task)
        self._dispatch()

    def _restore_visible(self, worker: Worker) -> None:
        """Put messages back that were delivered longer ago than the visibility timeout.

        Only a live worker does this. Whoever holds such a message runs it all the same, so without
        leases a task longer than the timeout runs twice.
        """
        if not worker.serving:
            return
        now_s = self._agenda.now_s
        due = []
        for task, delivered_s in self._expiring.items():
            if delivered_s > now_s - self._visibility_timeout_s:
                break
            due.append(task)
        self.redelivered += len(due)
        self._put_back(due)
        self._agenda.at(now_s + _RESTORE_PERIOD_S, self._restore_visible, worker)

    def _change_busy(self, change: int) -> None:
        now_s = self._agenda.now_s
        self._busy_slot_s += self._busy * (now_s - self._busy_since_s)
        self._busy_since_s = now_s
        self._busy += change
