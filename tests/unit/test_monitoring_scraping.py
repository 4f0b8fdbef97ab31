"""The stand-in for Prometheus' operator selects the monitor's pods, and refuses what it misses."""

from pathlib import Path
from typing import Any

import pytest

from rehearsal.monitoring.scraping import Target, pod_scrape, static_scrape

KUBECONFIG = Path("/stage/kubeconfig")


def monitor(**spec: Any) -> dict[str, Any]:
    given = {
        "selector": {"matchLabels": {"app.kubernetes.io/name": "celery"}},
        "podMetricsEndpoints": [{"port": "metrics", "interval": "30s"}],
    }
    return {"metadata": {"name": "fleet-metrics", "namespace": "fleet"}, "spec": given | spec}


def test_pods_of_the_monitors_namespace_labels_and_port_are_kept() -> None:
    (job,) = pod_scrape(monitor(), KUBECONFIG, 1.0)

    (found,) = job["kubernetes_sd_configs"]
    assert (found["role"], found["namespaces"]) == ("pod", {"names": ["fleet"]})
    kept = {r["source_labels"][0]: r["regex"] for r in job["relabel_configs"] if "action" in r}
    assert kept == {
        "__meta_kubernetes_pod_phase": "(Failed|Succeeded)",
        "__meta_kubernetes_pod_label_app_kubernetes_io_name": "celery",
        "__meta_kubernetes_pod_container_port_name": "metrics",
    }


def test_series_carry_the_labels_that_rules_read() -> None:
    (job,) = pod_scrape(monitor(), KUBECONFIG, 1.0)

    named = {r["target_label"] for r in job["relabel_configs"] if "target_label" in r}
    assert named == {"namespace", "container", "pod", "job", "endpoint"}


def test_the_interval_is_the_callers() -> None:
    (job,) = pod_scrape(monitor(), KUBECONFIG, 0.5)

    assert (job["scrape_interval"], job["scrape_timeout"]) == ("0.5s", "0.5s")


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ({"sampleLimit": 5}, "spec.sampleLimit"),
        ({"selector": {"matchExpressions": []}}, "spec.selector.matchExpressions"),
        (
            {"podMetricsEndpoints": [{"port": "metrics", "path": "/x"}]},
            r"spec.podMetricsEndpoints\[0\].path",
        ),
    ],
)
def test_what_the_stand_in_does_not_know_is_refused(spec: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        list(pod_scrape(monitor(**spec), KUBECONFIG, 1.0))


def test_a_static_target_has_the_labels_of_its_service() -> None:
    job = static_scrape(Target("keda-operator", "127.0.0.1:1", {"namespace": "keda"}), 1.0)

    assert job["static_configs"] == [{"targets": ["127.0.0.1:1"], "labels": {"namespace": "keda"}}]
    assert job["honor_labels"] is False
