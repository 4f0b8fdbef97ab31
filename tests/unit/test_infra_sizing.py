"""Derived sizes agree with one another, and follow from what a queue promises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.models.broker import BrokerUse
from infra.models.cluster import NodeGroupSpec
from infra.models.objective import Objective
from infra.models.queue import QueueSpec
from infra.models.tier import TIERS, Tier
from infra.models.worker import WorkerSpec
from infra.sizing import grace_period_s, pending_keys, plan_worker, visibility_timeout_s
from infra.sizing.limits import longest_hold_s
from infra.sizing.load import combined
from infra.sizing.plan import WorkerPlan

limits = st.integers(min_value=2, max_value=86_400)


def queue(hard: int = 1800, **objective: object) -> QueueSpec:
    stated = {"typicalSeconds": hard / 4, **objective}
    return QueueSpec.model_validate(
        {"softTimeLimitSeconds": hard - 1, "timeLimitSeconds": hard, "objective": stated}
    )


def derived(
    worker: WorkerSpec, promise: QueueSpec, tier: Tier = "prod", **group: object
) -> WorkerPlan:
    nodes = NodeGroupSpec.model_validate({"cpu": 32, "memoryMiB": 65536, **group})
    return plan_worker("w", worker, [("q", promise)], nodes, TIERS[tier], hpa_s=15)


def promise(
    typical_s: float, per_hour: float, burst: tuple[int, float], wait_s: float
) -> QueueSpec:
    return queue(
        7200,
        typicalSeconds=typical_s,
        perHour=per_hour,
        burst={"tasks": burst[0], "withinSeconds": burst[1]},
        toleratedWaitSeconds=wait_s,
        spread=1.0,
    )


@given(st.lists(limits, min_size=1, max_size=6), st.integers(min_value=0, max_value=86_400))
def test_no_message_is_redelivered_while_any_worker_may_still_hold_it(
    hard: list[int], eta: int
) -> None:
    queues = {str(n): queue(h).model_copy(update={"max_eta_s": eta}) for n, h in enumerate(hard)}
    workers = [WorkerSpec(queues=(name,)) for name in queues]

    timeout = visibility_timeout_s(BrokerUse(delivery="stock"), workers, queues)

    assert all(timeout > longest_hold_s(w, [queues[w.queues[0]]]) for w in workers)


@given(limits)
def test_a_task_at_its_hard_limit_ends_before_the_pod_is_killed(hard: int) -> None:
    assert grace_period_s(WorkerSpec(), [queue(hard)]) > hard + 30


def test_every_priority_step_of_a_queue_is_a_list_that_is_counted() -> None:
    steps = pending_keys("labeling", QueueSpec.model_validate({"priorities": True}))

    assert steps == ("labeling", "labeling:3", "labeling:6", "labeling:9")


def test_a_queue_without_priorities_is_one_list() -> None:
    assert pending_keys("training", QueueSpec.model_validate({})) == ("training",)


def test_a_worker_on_two_queues_scales_on_their_sum_and_on_what_it_holds() -> None:
    worker = WorkerSpec(queues=("default", "labeling"), concurrency=4)
    queues = [
        ("default", QueueSpec.model_validate({})),
        ("labeling", QueueSpec.model_validate({"priorities": True})),
    ]
    nodes = NodeGroupSpec.model_validate({"cpu": 4, "memoryMiB": 4096})

    plan = plan_worker("shared", worker, queues, nodes, TIERS["prod"], hpa_s=15)

    keys = [trigger.key for trigger in plan.triggers]
    assert keys == [
        "default",
        "labeling",
        "labeling:3",
        "labeling:6",
        "labeling:9",
        "unacked:shared",
    ]
    assert all(trigger.name in plan.formula for trigger in plan.triggers)
    assert plan.concurrency == 4


def test_trigger_names_are_identifiers_whatever_the_queues_are_called() -> None:
    queues = [
        ("a-b", QueueSpec.model_validate({"priorities": True})),
        ("a.b", QueueSpec.model_validate({})),
    ]
    nodes = NodeGroupSpec.model_validate({"cpu": 4, "memoryMiB": 4096})

    plan = plan_worker(
        "x", WorkerSpec(queues=("a-b", "a.b")), queues, nodes, TIERS["prod"], hpa_s=15
    )

    names = [trigger.name for trigger in plan.triggers]
    assert all(name.isidentifier() for name in names)
    assert len(set(names)) == len(names)


# The worked queues of the sizing rules: promise, concurrency -> minimum, maximum, weight, spare.
@pytest.mark.parametrize(
    ("stated", "slots", "expected"),
    [
        ((0.3, 72_000, (3000, 30), 5), 8, (4, 10, 0.06, 25)),
        ((180, 10, (12, 60), 10), 1, (13, 30, 1.0, 10)),
        ((0.2, 18_000, (200, 10), 1), 8, (1, 2, 0.2, 4)),
        ((300, 20, (20, 60), 60), 4, (0, 14, 1.0, 0)),
        ((240, 20, (16, 60), 120), 4, (0, 10, 1.0, 0)),
        ((5, 10, (10, 10), 60), 2, (0, 4, 0.222, 0)),
        ((180, 12, (30, 60), 300), 2, (0, 20, 0.567, 0)),
        ((3, 36, (500, 5), 60), 4, (0, 38, 0.146, 0)),
    ],
)
def test_a_promise_gives_the_bounds_and_weights_of_the_worked_examples(
    stated: tuple[float, float, tuple[int, float], float],
    slots: int,
    expected: tuple[int, int, float, int],
) -> None:
    plan = derived(WorkerSpec(concurrency=slots), promise(*stated))

    seen = plan.min_replicas, plan.max_replicas, plan.slots.pending_weight, plan.slots.spare
    assert seen == expected


def at_rest(plan: WorkerPlan) -> float:
    counted = dict.fromkeys((trigger.name for trigger in plan.triggers), 0)
    return float(eval(plan.formula, {}, counted))  # noqa: S307 - our own formula


@given(
    task_s=st.floats(0.05, 3000),
    per_hour=st.floats(0.1, 50_000),
    burst=st.integers(1, 5000),
    wait_s=st.floats(0.5, 4000),
    floor=st.sampled_from([None, 0]),
)
def test_a_worker_that_may_rest_at_zero_is_not_kept_awake_by_its_own_formula(
    task_s: float, per_hour: float, burst: int, wait_s: float, floor: int | None
) -> None:
    plan = derived(
        WorkerSpec(concurrency=4, min_replicas=floor),
        promise(task_s, min(per_hour, 72_000 / task_s), (burst, 10), wait_s),
    )

    assert plan.min_replicas > 0 or at_rest(plan) == 0


@pytest.mark.parametrize(
    ("wait_s", "start_s", "poll_s"), [(40, 10, 2), (7200, 10, 5), (7200, 300, 15)]
)
def test_a_poll_is_short_beside_the_wait_and_beside_the_idle_time_that_it_prolongs(
    wait_s: float, start_s: float, poll_s: int
) -> None:
    plan = derived(WorkerSpec(start_s=start_s), promise(0.1, 10, (10, 10), wait_s))

    assert plan.polling_interval_s == poll_s


def test_one_message_is_never_too_light_to_wake_a_worker() -> None:
    plan = derived(WorkerSpec(), promise(0.1, 10, (10, 10), 7200))

    counted = dict.fromkeys((trigger.name for trigger in plan.triggers), 0) | {"pending_0_0": 1}
    # KEDA's adapter cuts off what is below a thousandth.
    assert int(eval(plan.formula, {}, counted) * 1000) >= 1  # noqa: S307 - our own formula


def test_slots_in_use_serve_on_unless_their_tasks_outlast_the_wait() -> None:
    short, long = (
        derived(WorkerSpec(concurrency=4), promise(task_s, 36, (500, 5), 60)) for task_s in (3, 300)
    )
    counted = {"pending_0_0": 100, "in_flight": 40}

    wanted = [eval(plan.formula, {}, counted) for plan in (short, long)]  # noqa: S307 - our own

    assert wanted == [40, 140]


def test_spare_slots_are_added_to_long_tasks_only_since_short_ones_end_before_a_pod_comes() -> None:
    long, short = (
        derived(WorkerSpec(), promise(task_s, 10, (12, 10), 10)).slots for task_s in (180, 5)
    )

    assert long.spare == long.kept_free == 10
    assert short.spare > short.kept_free == 0


def test_zero_is_near_enough_where_the_one_pod_that_keda_starts_is_enough() -> None:
    hasty = promise(0.3, 10, (60, 10), 20)
    worker = WorkerSpec(concurrency=4, start_s=6)

    few = derived(worker, hasty)
    many = derived(worker, promise(0.3, 10, (600, 10), 20))

    assert few.reaction.from_zero_s < 20 < few.reaction.from_one_s
    assert (few.min_replicas, many.min_replicas > 0) == (0, True)
    assert "of the one pod needed" in few.reasons["minReplicaCount"]


def test_a_cold_node_group_takes_scale_to_zero_from_an_impatient_queue() -> None:
    impatient = promise(300, 20, (20, 60), 60)

    warm = derived(WorkerSpec(concurrency=4), impatient, headroom=True)
    cold = derived(WorkerSpec(concurrency=4), impatient, headroom=False, launchSeconds=85)

    assert (warm.min_replicas, cold.min_replicas > 0) == (0, True)


def test_a_stated_zero_is_kept_where_a_warm_floor_would_be_derived() -> None:
    plan = derived(WorkerSpec(min_replicas=0), promise(180, 10, (12, 60), 10))

    assert plan.min_replicas == 0


def test_a_stated_maximum_holds_a_derived_floor_down_and_says_so() -> None:
    hasty = promise(180, 10, (12, 60), 10)

    plan = derived(WorkerSpec(max_replicas=3), hasty, tier="local")

    assert (plan.min_replicas, plan.max_replicas) == (3, 3)
    assert plan.reasons["minReplicaCount"].endswith("13 replicas, held down by maxReplicaCount")
    assert derived(WorkerSpec(max_replicas=9), hasty, tier="local").min_replicas == 9


def test_a_declared_downstream_limit_caps_the_replicas() -> None:
    throttled = promise(120, 1, (60, 10), 14_400).model_copy(update={"max_concurrency": 3})

    assert derived(WorkerSpec(concurrency=1), throttled).max_replicas <= 3


def test_a_preview_never_grows_beyond_one_replica() -> None:
    plan = derived(WorkerSpec(concurrency=2), promise(300, 20, (20, 60), 60), tier="preview")

    assert plan.max_replicas == 1


def test_the_strictest_promise_of_several_queues_holds_for_their_worker() -> None:
    hasty, calm = promise(1, 3600, (1, 1), 5), promise(100, 1, (50, 10), 900)

    load = combined([hasty.objective, calm.objective])

    assert (load.wait_s, load.burst) == (5, 51)
    assert load.per_s == pytest.approx(3601 / 3600)


def test_objectives_are_inherited_from_the_class_number_by_number() -> None:
    spec = QueueSpec.model_validate({"class": "long", "objective": {"perHour": 0}})

    assert spec.objective == Objective.model_validate(
        {
            "typicalSeconds": 600,
            "spread": 0.5,
            "perHour": 0,
            "burst": {"tasks": 4, "withinSeconds": 60},
            "toleratedWaitSeconds": 900,
        }
    )
