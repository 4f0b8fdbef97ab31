"""Pinned programs that watch a fleet: Prometheus, Alertmanager and what they read.

Only tests run them, so they are no tools of the rehearsal and have a cache of their own: a change
here builds nothing else anew. Their modules share their dependencies' versions with that of the
cluster's tools, so that Go compiles each of those once. Build times are of a busy machine, after
those tools.
"""

from rehearsal.toolchain.pins import PathRule, Pin
from rehearsal.toolchain.versions import Version

# Prometheus 3.x is released as Go module 0.3xx.
_PROMETHEUS = Version(0, 313, 5)
# Later modules lack the pages that the program embeds, and so do not compile.
_ALERTMANAGER = Version(0, 31, 1)
_KUBE_STATE_METRICS = Version(2, 18, 0)
_STAMP = "-X github.com/prometheus/common/version.Version={}"
# Of the service discoveries only the one for Kubernetes: the others bring the SDKs of twenty
# clouds, and most of the build's time.
_DISCOVERY = "remove_all_sd,enable_kubernetes_sd"
_PROMETHEUS_3 = PathRule(
    ("--version",), Version(3, 0), "Prometheus 2 writes histograms' bounds otherwise"
)
_ALERTMANAGER_RULE = PathRule(
    ("--version",), Version(0, 27), "older ones read matchers in another way"
)


def _prometheus(tool: str, build_s: int) -> Pin:
    return Pin(
        tool,
        "prometheus",
        f"github.com/prometheus/prometheus/cmd/{tool}",
        _PROMETHEUS,
        _STAMP.format("3.13.5"),
        build_s,
        _PROMETHEUS_3,
        _DISCOVERY,
    )


def _alertmanager(tool: str, build_s: int) -> Pin:
    package = f"github.com/prometheus/alertmanager/cmd/{tool}"
    stamp = _STAMP.format(_ALERTMANAGER)
    return Pin(tool, "alertmanager", package, _ALERTMANAGER, stamp, build_s, _ALERTMANAGER_RULE)


MONITORING_PINS = (
    _prometheus("promtool", 225),
    _prometheus("prometheus", 31),
    _alertmanager("alertmanager", 22),
    _alertmanager("amtool", 5),
    Pin(
        "kube-state-metrics",
        "kube-state-metrics",
        "k8s.io/kube-state-metrics/v2",
        _KUBE_STATE_METRICS,
        _STAMP.format(f"v{_KUBE_STATE_METRICS}"),
        112,
        PathRule(("version",), Version(2, 10), "older ones lack labels that alert rules read"),
    ),
)
