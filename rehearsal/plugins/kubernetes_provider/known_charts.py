"""Charts whose releases the stand-in records: repository, name and the versions it was told of."""

from collections.abc import Mapping

_GITHUB = "github.io"

# By repository and chart. A release of anything else is refused: nobody here could tell a
# misspelt chart from a new one.
VERSIONS: Mapping[tuple[str, str], frozenset[str]] = {
    (f"https://kedacore.{_GITHUB}/charts", "keda"): frozenset({"2.21.0"}),
    (f"https://prometheus-community.{_GITHUB}/helm-charts", "kube-prometheus-stack"): frozenset(
        {"78.5.0"}
    ),
    (f"https://kubernetes.{_GITHUB}/autoscaler", "cluster-autoscaler"): frozenset({"9.56.0"}),
    (f"https://nvidia.{_GITHUB}/k8s-device-plugin", "nvidia-device-plugin"): frozenset({"0.17.1"}),
    (f"https://nvidia.{_GITHUB}/dcgm-exporter/helm-charts", "dcgm-exporter"): frozenset({"4.8.3"}),
}


def problem(repository: str, chart: str, version: str) -> str | None:
    """Say what is not known of a chart; None if all of it is."""
    versions = VERSIONS.get((repository, chart))
    if versions is None:
        known = ", ".join(sorted(name for _, name in VERSIONS))
        return f"no chart {chart!r} of {repository or 'no repository'} is known here, only {known}"
    if version not in versions:
        told = ", ".join(sorted(versions))
        return f"version {version or 'none'} of chart {chart} is not known here, only {told}"
    return None
