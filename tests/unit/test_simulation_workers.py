"""How Celery processes take, hold, acknowledge, give back and lose messages."""

from collections.abc import Callable
from dataclasses import replace

from fleet.simulation import Delivery
from fleet.simulation.agenda import Agenda
from fleet.simulation.queue_workers import QueueWorkers, Worker

CAREFUL = Delivery(2, prefetch_multiplier=1, late_ack=True, visibility_timeout_s=100.0)


class Bench:
    """A queue and workers without Kubernetes, driven step by step."""

    def __init__(self, delivery: Delivery, tasks: int, task_s: float = 10.0) -> None:
        self.agenda = Agenda()
        self.queue = QueueWorkers(self.agenda, delivery, [task_s] * tasks)
        self.gone: list[float] = []
        for task in range(tasks):
            self.queue.publish(task)

    def worker(self) -> Worker:
        worker = Worker(lambda: self.gone.append(self.agenda.now_s))
        self.queue.join(worker)
        return worker

    def at(self, time_s: float, action: Callable[..., object], *args: object) -> None:
        self.agenda.at(time_s, action, *args)

    def run(self, until_s: float = 1000.0) -> None:
        self.agenda.at(until_s, self.agenda.stop)
        self.agenda.run((), self.queue.publish)


def test_with_late_acks_and_prefetch_one_a_pod_holds_what_it_runs() -> None:
    bench = Bench(CAREFUL, tasks=9)
    worker = bench.worker()

    assert (len(worker.running), len(worker.held)) == (2, 0)
    assert (bench.queue.in_flight, len(bench.queue.pending)) == (2, 7)


def test_a_multiplier_of_four_holds_three_more_for_each_slot() -> None:
    bench = Bench(Delivery(2, prefetch_multiplier=4, late_ack=True), tasks=9)
    worker = bench.worker()

    assert (len(worker.running), len(worker.held)) == (2, 6)
    assert bench.queue.in_flight == 8


def test_with_early_acks_running_tasks_vanish_from_what_is_in_flight() -> None:
    bench = Bench(Delivery(2, prefetch_multiplier=1), tasks=9)
    worker = bench.worker()

    assert (len(worker.running), len(worker.held)) == (2, 2)
    assert bench.queue.in_flight == 2


def test_disabled_prefetch_takes_a_message_for_a_free_slot_only() -> None:
    bench = Bench(Delivery(2, prefetch_multiplier=4, disable_prefetch=True), tasks=9)

    assert not bench.worker().held


def test_a_multiplier_of_zero_holds_everything() -> None:
    bench = Bench(Delivery(2, prefetch_multiplier=0, late_ack=True), tasks=500)
    bench.worker()

    assert bench.queue.in_flight == 500


def test_waiting_workers_are_served_in_turn_and_tasks_in_order() -> None:
    bench = Bench(Delivery(2, prefetch_multiplier=1, late_ack=True), tasks=0)
    bench.queue = QueueWorkers(bench.agenda, CAREFUL, [10.0] * 4)
    first, second = bench.worker(), bench.worker()
    for task in range(4):
        bench.queue.publish(task)

    assert (first.running, second.running) == ([0, 2], [1, 3])


def test_warm_shutdown_ends_what_runs_and_gives_back_the_rest_at_the_exit() -> None:
    bench = Bench(Delivery(1, prefetch_multiplier=3, late_ack=True), tasks=4)
    worker = bench.worker()
    bench.at(4.0, bench.queue.drain, worker)
    waiting: list[list[int]] = []
    for at_s in (5.0, 15.0):
        bench.at(at_s, lambda: waiting.append(list(bench.queue.pending)))
    bench.run()

    assert waiting == [[3], [1, 2, 3]]
    assert bench.gone == [10.0]
    assert bench.queue.executions == 1


def test_a_worker_that_shuts_down_no_longer_counts_as_busy() -> None:
    bench = Bench(CAREFUL, tasks=4)
    worker, _ = bench.worker(), bench.worker()
    bench.at(4.0, bench.queue.drain, worker)
    bench.run()

    assert bench.queue.busy_slot_s() == 4 * 4.0 + 2 * 6.0


def test_an_idle_worker_leaves_at_once() -> None:
    bench = Bench(CAREFUL, tasks=0)
    bench.queue.drain(bench.worker())

    assert bench.gone == [0.0]


def test_a_killed_task_comes_back_after_the_visibility_timeout_to_a_live_worker() -> None:
    bench = Bench(CAREFUL, tasks=1, task_s=50.0)
    worker = bench.worker()
    bench.at(20.0, bench.queue.drain, worker)
    bench.at(30.0, bench.queue.kill, worker)
    bench.at(250.0, bench.worker)
    bench.run()

    assert bench.gone == [30.0]
    assert bench.queue.killed == bench.queue.redelivered == 1
    assert bench.queue.executions == 2
    assert bench.queue.ended_s == [300.0]
    assert bench.queue.quiet


def test_a_leased_task_runs_once_however_long_and_again_only_after_its_worker_died() -> None:
    bench = Bench(replace(CAREFUL, leased=True), tasks=2, task_s=450.0)
    worker = bench.worker()
    bench.at(20.0, bench.worker)
    bench.at(420.0, bench.queue.kill, worker)
    bench.run()

    # Restored by the living worker's next look after the timeout, counted from the death.
    assert (bench.queue.redelivered, bench.queue.executions) == (2, 4)
    assert bench.queue.repeated_ends == 0
    assert 520.0 <= bench.queue.ended_s[0] - 450.0 <= 720.0


def test_an_early_acknowledged_task_that_is_killed_is_lost_and_a_held_one_is_not() -> None:
    bench = Bench(Delivery(1, prefetch_multiplier=1, visibility_timeout_s=100.0), tasks=2)
    worker = bench.worker()
    bench.at(5.0, bench.queue.drain, worker)
    bench.at(6.0, bench.queue.kill, worker)
    bench.at(50.0, bench.worker)
    bench.run()

    assert (bench.queue.killed, bench.queue.lost) == (1, 1)
    assert bench.queue.ended_s[1] == 160.0
    assert bench.queue.quiet


def test_a_task_longer_than_the_visibility_timeout_runs_twice() -> None:
    bench = Bench(CAREFUL, tasks=1, task_s=150.0)
    bench.worker()
    bench.run()

    assert (bench.queue.redelivered, bench.queue.executions) == (1, 2)
    assert bench.queue.repeated_ends == 1
    assert bench.queue.ended_s == [150.0]


def test_a_kill_after_the_exit_does_nothing() -> None:
    bench = Bench(CAREFUL, tasks=1)
    worker = bench.worker()
    bench.at(5.0, bench.queue.drain, worker)
    bench.at(30.0, bench.queue.kill, worker)
    bench.run()

    assert bench.gone == [10.0]
    assert bench.queue.killed == 0
