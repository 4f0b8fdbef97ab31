"""When each alert on a queue's backlog, waits and runs fires, and when it does not."""

from tests.rehearsal.promtool import Case, own

SCRAPING = {"queue": "scraping"}
LABELING = {"queue": "labeling"}


def pending(queue: str) -> str:
    return own("fleet_queue_pending", queue=queue)


def ready(worker: str) -> str:
    return own("kube_deployment_status_replicas_ready", deployment=f"worker-{worker}")


def ended(outcome: str, pod: str = "a") -> str:
    return own("fleet_tasks_total", queue="scraping", task="t", outcome=outcome, pod=pod)


BACKLOGS = (
    Case(
        "CeleryQueueBacklog",
        SCRAPING,
        {pending("scraping"): "25x29 26x40 25x20"},
        fires=(46, 70),
        quiet=(29, 44, 72),
    ),
    Case(
        "CeleryQueueBacklog",
        LABELING,
        {pending("labeling"): "25x29 26x40 25x20"},
        fires=(46,),
        quiet=(44, 72),
    ),
    Case(
        "CeleryQueueBacklog",
        {"queue": "default"},
        {pending("default"): "100x29 101x40 0x20"},
        fires=(46,),
        quiet=(29, 44, 72),
    ),
    # A moment below the threshold begins the fifteen minutes anew.
    Case(
        "CeleryQueueBacklog",
        SCRAPING,
        {pending("scraping"): "26x10 25 26x10 25 26x10"},
        quiet=(10, 21, 32),
    ),
    # Another stack's queue of the same name is that stack's.
    Case(
        "CeleryQueueBacklog",
        SCRAPING,
        {'fleet_queue_pending{namespace="other",queue="scraping"}': "500x60"},
        quiet=(60,),
    ),
)

WAITS = (
    Case(
        "CeleryQueueWaitFastBurn",
        LABELING,
        {
            own("fleet_task_wait_seconds_count", queue="labeling"): "0+1x240",
            # From minute 100 on none begins in time, from 160 on all do.
            own("fleet_task_wait_seconds_bucket", queue="labeling", le="63.1"): (
                "0+1x99 99x60 99+1x80"
            ),
        },
        fires=(150, 158),
        quiet=(99, 140, 168),
    ),
    # Nine late tasks are no trend.
    Case(
        "CeleryQueueWaitFastBurn",
        LABELING,
        {
            own("fleet_task_wait_seconds_count", queue="labeling"): "_x9 1+1x8 9x60",
            own("fleet_task_wait_seconds_bucket", queue="labeling", le="63.1"): "_x9 0x68",
        },
        quiet=(20, 30, 60),
    ),
    Case(
        "CeleryQueueWaitSlowBurn",
        LABELING,
        {
            own("fleet_task_wait_seconds_count", queue="labeling"): "0+1x900",
            own("fleet_task_wait_seconds_bucket", queue="labeling", le="63.1"): (
                "0+1x399 399x200 400+1x300"
            ),
        },
        fires=(520, 600),
        quiet=(399, 500, 640),
    ),
)

RUNS = (
    Case(
        "CeleryQueueFailures",
        SCRAPING,
        {ended("success"): "0+1x200", ended("failure"): "_x59 1+1x9 10x130"},
        fires=(80, 115),
        quiet=(59, 64, 140),
    ),
    # Pods that come from zero: each one's first and only task fails.
    Case(
        "CeleryQueueFailures",
        SCRAPING,
        {
            ended("failure", "a"): "_x9 1x5",
            ended("failure", "b"): "_x14 1x5",
            ended("failure", "c"): "_x19 1x5",
        },
        fires=(30, 60),
        quiet=(18, 100),
    ),
    # Two failures are below the least, nine of a hundred below the share.
    Case("CeleryQueueFailures", SCRAPING, {ended("failure"): "_x9 1 2x40"}, quiet=(20, 50)),
    Case(
        "CeleryQueueFailures",
        SCRAPING,
        {ended("success"): "0+10x100", ended("failure"): "0+1x100"},
        quiet=(40, 100),
    ),
    Case(
        "CeleryQueueRedeliveries",
        SCRAPING,
        {
            ended("success"): "0+1x200",
            own("fleet_redeliveries_total", queue="scraping"): "_x59 1+1x4 5x150",
        },
        fires=(75, 115),
        quiet=(59, 62, 135),
    ),
    # Three of hundreds are what scale-ins and failovers cost.
    Case(
        "CeleryQueueRedeliveries",
        SCRAPING,
        {
            ended("success"): "0+10x100",
            own("fleet_redeliveries_total", queue="scraping"): "_x40 1 2 3x57",
        },
        quiet=(50, 100),
    ),
    Case(
        "CeleryQueueDeadLetters",
        SCRAPING,
        {own("fleet_queue_dead_letters", queue="scraping"): "2x59 3x100"},
        fires=(65, 85),
        quiet=(59, 95, 150),
    ),
    # Whoever replays or discards them is told nothing.
    Case(
        "CeleryQueueDeadLetters",
        SCRAPING,
        {own("fleet_queue_dead_letters", queue="scraping"): "5x40 0x40"},
        quiet=(45, 75),
    ),
)

CASES = (*BACKLOGS, *WAITS, *RUNS)
