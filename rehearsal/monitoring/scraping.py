"""What Prometheus is told to scrape: a stand-in for what its operator makes of objects. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Object = Mapping[str, Any]
_META = "__meta_kubernetes_pod"


@dataclass(frozen=True)
class Target:
    """A program that is scraped at one address, as a Service and its ServiceMonitor would have."""

    job: str
    address: str
    labels: Mapping[str, str] = field(default_factory=dict)
    """What the operator would add: the namespace of the Service, above all."""
    honors_labels: bool = False
    """Whether labels of the program's own win over those; else they are put aside as
    `exported_<label>`."""


def pod_scrape(monitor: Object, kubeconfig: Path, interval_s: float) -> Iterator[dict[str, Any]]:
    """Scrape jobs of a PodMonitor, as Prometheus' operator writes them; of its times none is kept.

    A stand-in: it knows a selector by labels, the monitor's own namespace and ports by name; its
    relabelling is the operator's for those (v0.85, pkg/prometheus/promcfg.go).

    Raises:
        ValueError: the monitor asks for something else.

    """
    meta, spec = monitor["metadata"], monitor["spec"]
    _refuse_unknown(spec, {"selector", "podMetricsEndpoints"}, "spec")
    _refuse_unknown(spec["selector"], {"matchLabels"}, "spec.selector")
    for number, endpoint in enumerate(spec["podMetricsEndpoints"]):
        _refuse_unknown(
            endpoint, {"port", "interval", "scrapeTimeout"}, f"spec.podMetricsEndpoints[{number}]"
        )
        yield {
            "job_name": f"podMonitor/{meta['namespace']}/{meta['name']}/{number}",
            "scrape_interval": f"{interval_s:g}s",
            "scrape_timeout": f"{interval_s:g}s",
            "kubernetes_sd_configs": [
                {
                    "role": "pod",
                    "kubeconfig_file": str(kubeconfig),
                    "namespaces": {"names": [meta["namespace"]]},
                }
            ],
            "relabel_configs": list(_relabelling(meta, spec["selector"], endpoint["port"])),
        }


def static_scrape(target: Target, interval_s: float) -> dict[str, Any]:
    """Scrape job of one address."""
    return {
        "job_name": target.job,
        "scrape_interval": f"{interval_s:g}s",
        "scrape_timeout": f"{interval_s:g}s",
        "honor_labels": target.honors_labels,
        "static_configs": [{"targets": [target.address], "labels": dict(target.labels)}],
    }


def _relabelling(meta: Object, selector: Object, port: str) -> Iterator[dict[str, Any]]:
    ended = {"source_labels": [f"{_META}_phase"], "regex": "(Failed|Succeeded)"}
    yield {**ended, "action": "drop"}
    for label, value in selector["matchLabels"].items():
        yield _keep(f"{_META}_label_{_sanitized(label)}", value)
    yield _keep(f"{_META}_container_port_name", port)
    for source, target in (
        ("__meta_kubernetes_namespace", "namespace"),
        (f"{_META}_container_name", "container"),
        (f"{_META}_name", "pod"),
    ):
        yield {"source_labels": [source], "target_label": target}
    yield {"target_label": "job", "replacement": f"{meta['namespace']}/{meta['name']}"}
    yield {"target_label": "endpoint", "replacement": port}


def _keep(label: str, value: str) -> dict[str, Any]:
    return {"source_labels": [label], "regex": value.replace(".", "[.]"), "action": "keep"}


def _sanitized(label: str) -> str:
    """A label's name as Prometheus writes it."""
    return "".join(each if each.isalnum() else "_" for each in label)


def _refuse_unknown(given: Object, known: set[str], where: str) -> None:
    if unknown := sorted(given.keys() - known):
        raise ValueError(f"PodMonitor: {where}.{unknown[0]} is not known to the stand-in")
