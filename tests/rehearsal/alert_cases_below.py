"""When each alert on beat, janitor, broker, nodes and exporters fires, and when it does not."""

from tests.rehearsal.promtool import Case, own

DISK = {"schedule": "record-disk-usage"}
_SENT = own("fleet_beat_last_send_timestamp_seconds", **DISK)
_ROUND = own("fleet_janitor_last_round_timestamp_seconds")
_POD = "worker-scraping-5d9c-abcde"


def up(container: str, pod: str = "p") -> str:
    return own("up", container=container, pod=pod)


SINGLES = (
    # Sent at minute 0, and again at 800.
    Case(
        "CeleryScheduleNotSent",
        DISK,
        {_SENT: "0x799 48000x100"},
        fires=(727, 799),
        quiet=(400, 719, 801),
    ),
    # Never sent, by a beat that has been there for long enough.
    Case("CeleryScheduleNotSent", DISK, {up("beat"): "1x900"}, fires=(730, 900), quiet=(700,)),
    Case(
        "CeleryScheduleNotSent",
        {"schedule": "purge-stale-scrapes"},
        {own("fleet_beat_last_send_timestamp_seconds", schedule="purge-stale-scrapes"): "0x2900"},
        fires=(2890,),
        quiet=(727, 2870),
    ),
    Case("CeleryBeatAbsent", {}, {up("beat"): "1x9 0x30 1x10"}, fires=(21, 39), quiet=(9, 18, 42)),
    Case("CeleryBeatAbsent", {}, {up("beat"): "1x9 _x30 1x10"}, fires=(30,), quiet=(22, 42)),
    Case(
        "CeleryJanitorSilent",
        {},
        {up("janitor"): "1x100", _ROUND: "0+60x20 1200x20 2460+60x20"},
        fires=(30, 40),
        quiet=(20, 26, 43),
    ),
    Case("CeleryJanitorSilent", {}, {up("janitor"): "1x9 0x20 1x10"}, fires=(17,), quiet=(12, 32)),
    Case(
        "CeleryListUnowned",
        {},
        {own("fleet_unowned_lists"): "0x9 1x40 0x10"},
        fires=(26, 50),
        quiet=(9, 23, 52),
    ),
)

BROKER = (
    Case("RedisDown", {}, {own("redis_up"): "1x9 0x10 1x10"}, fires=(13, 20), quiet=(9, 11, 22)),
    # One that hangs: what tells of it runs, and does not answer in time.
    Case(
        "RedisDown",
        {},
        {
            own("redis_up"): "1x9 _x10 1x10",
            own("up", container="redis-exporter"): "1x9 0x9 1x11",
            own("kube_deployment_status_replicas_ready", deployment="redis-exporter"): "1x30",
        },
        fires=(13, 19),
        quiet=(9, 11, 22),
    ),
    # What tells of it does not run: that says nothing of the broker.
    Case(
        "RedisDown",
        {},
        {
            own("redis_up"): "1x9 _x20",
            own("up", container="redis-exporter"): "1x9 0x20",
            own("kube_deployment_status_replicas_ready", deployment="redis-exporter"): "1x9 0x20",
        },
        quiet=(9, 13, 25),
    ),
    *(
        Case(
            "RedisMemory",
            {"level": level},
            {
                own("redis_memory_used_bytes"): "70x9 71x20 95x20 50x10",
                own("redis_memory_max_bytes"): "100x100",
            },
            fires=fires,
            quiet=quiet,
        )
        for level, fires, quiet in (
            ("high", (20, 40), (9, 13, 53)),
            ("full", (40,), (20, 33, 53)),
        )
    ),
    # No limit is never full.
    Case(
        "RedisMemory",
        {"level": "full"},
        {own("redis_memory_used_bytes"): "95x30", own("redis_memory_max_bytes"): "0x30"},
        quiet=(25,),
    ),
    Case(
        "RedisEvictions",
        {},
        {own("redis_evicted_keys_total"): "0x9 3x40"},
        fires=(12, 23),
        quiet=(9, 30),
    ),
    Case(
        "RedisConnections",
        {},
        {own("redis_connected_clients"): "52000x9 52001x20 100x10"},
        fires=(17, 30),
        quiet=(9, 13, 32),
    ),
    Case(
        "RedisReplication",
        {},
        {own("redis_connected_slaves"): "1x9 0x20 1x10"},
        fires=(17, 30),
        quiet=(9, 13, 32),
    ),
    *(
        Case("RedisPersistence", {}, {own(name): "1x9 0x20 1x10"}, fires=(17,), quiet=(9, 13, 32))
        for name in ("redis_rdb_last_bgsave_status", "redis_aof_last_write_status")
    ),
)

NODES = (
    Case(
        "NodeGroupCannotLaunch",
        {"node_group": "gpu"},
        {
            own("kube_pod_status_unschedulable", pod="worker-training-5d9c-abcde"): "0x9 1x40 0x10",
        },
        fires=(27, 50),
        quiet=(9, 23, 52),
    ),
    Case(
        "NodeGroupCannotLaunch",
        {"node_group": "any"},
        {'cluster_autoscaler_failed_scale_ups_total{reason="timeout"}': "_x9 1x80"},
        fires=(17, 38),
        quiet=(9, 13, 46),
    ),
    *(
        Case(
            "ImagePull",
            {"node_group": "cpu", "pull": pull},
            {
                own(
                    "kube_pod_container_status_waiting_reason", pod=_POD, reason=reason
                ): "0x9 1x40 0x10"
            },
            fires=(50,),
            quiet=(9, soon, 52),
        )
        for pull, reason, soon in (
            ("failing", "ErrImagePull", 13),
            ("failing", "ImagePullBackOff", 13),
            ("slow", "ContainerCreating", 21),
        )
    ),
    Case(
        "GpuNodeIdle",
        {},
        {
            'DCGM_FI_DEV_GPU_UTIL{Hostname="a",gpu="0"}': "80x9 0x100 80x10",
            # Of two GPUs one is busy: its node is not idle.
            'DCGM_FI_DEV_GPU_UTIL{Hostname="b",gpu="0"}': "0x200",
            'DCGM_FI_DEV_GPU_UTIL{Hostname="b",gpu="1"}': "50x200",
        },
        fires=(55, 105),
        quiet=(9, 45, 112),
    ),
)

_GONE = "1x9 _x40 1x10"
_GPU_NODES = 'kube_node_status_allocatable{resource="nvidia_com_gpu",node="n"}'


def _down(exporter: str, series: str, **more: str) -> Case:
    given = {series: _GONE, **({_GPU_NODES: "1x100"} if more else {})}
    return Case("ExporterDown", {"exporter": exporter}, given, fires=(35, 49), quiet=(9, 25, 53))


EXPORTERS = (
    Case(
        "ExporterDown",
        {"exporter": "worker-scraping"},
        {
            own("kube_deployment_status_replicas_ready", deployment="worker-scraping"): "2x60",
            up("worker", _POD): "1x60",
            up("worker", "worker-scraping-5d9c-fghij"): "1x9 0x40 1x10",
        },
        fires=(26, 50),
        quiet=(9, 20, 53),
    ),
    # None is ready, none answers: at rest.
    Case(
        "ExporterDown",
        {"exporter": "worker-scraping"},
        {own("kube_deployment_status_replicas_ready", deployment="worker-scraping"): "0x60"},
        quiet=(30, 60),
    ),
    _down("broker", own("redis_up")),
    _down("kube-state-metrics", own("kube_deployment_created", deployment="api")),
    _down("KEDA", "keda_build_info"),
    _down("cluster-autoscaler", "cluster_autoscaler_nodes_count"),
    _down("dcgm-exporter", 'DCGM_FI_DEV_GPU_UTIL{Hostname="a"}', gpu_nodes="1"),
    # Without GPU nodes there is nothing to tell of.
    Case("ExporterDown", {"exporter": "dcgm-exporter"}, {_GPU_NODES: "0x60"}, quiet=(30, 60)),
)

CASES = (*SINGLES, *BROKER, *NODES, *EXPORTERS)
