"""Derived sizes agree with one another."""

from hypothesis import given
from hypothesis import strategies as st

from infra.models.queue import QueueSpec
from infra.models.worker import WorkerSpec
from infra.sizing import grace_period_s, pending_lists, scaling, visibility_timeout_s

limits = st.integers(min_value=2, max_value=86_400)


@given(st.lists(limits, min_size=1, max_size=6))
def test_no_message_is_redelivered_while_any_worker_may_still_hold_it(hard: list[int]) -> None:
    workers = [WorkerSpec(soft_time_limit_s=h - 1, time_limit_s=h) for h in hard]

    timeout = visibility_timeout_s(workers)

    assert all(timeout > w.time_limit_s + grace_period_s(w) for w in workers)


@given(limits)
def test_a_task_at_its_hard_limit_ends_before_the_pod_is_killed(hard: int) -> None:
    worker = WorkerSpec(soft_time_limit_s=hard - 1, time_limit_s=hard)

    assert grace_period_s(worker) > hard + 30


def test_every_priority_step_of_a_queue_is_a_list_that_is_counted() -> None:
    assert pending_lists("labeling", QueueSpec(priorities=True)) == (
        "labeling",
        "labeling:3",
        "labeling:6",
        "labeling:9",
    )


def test_a_queue_without_priorities_is_one_list() -> None:
    assert pending_lists("training", QueueSpec()) == ("training",)


def test_a_worker_on_two_queues_scales_on_their_sum_and_on_what_it_holds() -> None:
    worker = WorkerSpec(queues=("default", "labeling"), concurrency=4)
    queues = [("default", QueueSpec()), ("labeling", QueueSpec(priorities=True))]

    rule = scaling(worker, queues, "unacked:shared")

    keys = [trigger.key for trigger in rule.triggers]
    assert keys == [
        "default",
        "labeling",
        "labeling:3",
        "labeling:6",
        "labeling:9",
        "unacked:shared",
    ]
    assert rule.formula.split(" + ") == [trigger.name for trigger in rule.triggers]
    assert rule.target == 4


def test_trigger_names_are_identifiers_whatever_the_queues_are_called() -> None:
    queues = [("a-b", QueueSpec(priorities=True)), ("a.b", QueueSpec())]

    rule = scaling(WorkerSpec(queues=("a-b", "a.b")), queues, "unacked:x")

    names = [trigger.name for trigger in rule.triggers]
    assert all(name.isidentifier() for name in names)
    assert len(set(names)) == len(names)
