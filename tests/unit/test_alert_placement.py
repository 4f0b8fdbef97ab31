"""Where alert rules and scrapes are placed, and what `fleet alerts` writes."""

from pathlib import Path

import yaml
from rich.console import Console

from fleet import alert_file
from fleet.project import Project
from infra.config import load_file
from infra.manifests.container import METRICS_PORT
from infra.manifests.prometheus_rule import pod_monitor, prometheus_rule, rule_file
from infra.names import BEAT, JANITOR, REDIS_EXPORTER
from tests.unit.aws_stage import changed, rendered, stack
from tests.unit.recorder import ROOT, Recorder, imagineer, render

PROD = load_file(ROOT / "Pulumi.prod.yaml")


def test_prod_places_rules_and_scrapes_after_the_operators_kinds() -> None:
    found = stack("prod")
    rule, monitor = found.one("PrometheusRule"), found.one("PodMonitor")
    metrics = found.of("Release")["kube-prometheus-stack"].urn

    assert rule.inputs["spec"] == prometheus_rule(PROD, "test")
    assert rule.inputs["metadata"]["namespace"] == "imagineer-prod"
    assert {metrics} <= found.before(rule.urn) & found.before(monitor.urn)


def test_a_cluster_without_the_operator_gets_neither(fleet: Recorder) -> None:
    assert fleet.of_kind("PrometheusRule") == fleet.of_kind("PodMonitor") == {}


def test_an_operator_that_is_there_already_finds_both_by_its_labels() -> None:
    monitoring = {"kind": "existing", "rules": True, "labels": {"release": "ours"}}
    found = render(imagineer(monitoring=monitoring))
    (rule,), (monitor,) = (
        found.of_kind(kind).values() for kind in ("PrometheusRule", "PodMonitor")
    )

    for each in (rule, monitor):
        assert each["metadata"]["labels"]["release"] == "ours"


def test_what_is_scraped_are_the_pods_that_answer() -> None:
    found = stack("prod")
    wanted = pod_monitor(PROD)["selector"]["matchLabels"]
    (endpoint,) = pod_monitor(PROD)["podMetricsEndpoints"]
    # A broker that hangs is told after 10 s, Prometheus' own default.
    assert (endpoint["interval"], endpoint["scrapeTimeout"]) == ("30s", "20s")
    scraped = set()
    for name, deployment in found.of("Deployment").items():
        template = deployment.inputs["spec"]["template"]
        assert wanted.items() <= template["metadata"]["labels"].items()
        for container in template["spec"]["containers"]:
            ports = {port["name"]: port["containerPort"] for port in container.get("ports", ())}
            if endpoint["port"] in ports:
                assert ports[endpoint["port"]] == METRICS_PORT
                scraped.add((name, container["name"]))

    workers = {(f"worker-{name}", "worker") for name in PROD.workers}
    # Rules look for these names of containers.
    assert scraped == workers | {(each, each) for each in (BEAT, JANITOR, REDIS_EXPORTER)}


def test_the_autoscaler_is_scraped_where_its_figures_are_read() -> None:
    values = stack("prod").of("Release")["cluster-autoscaler"].inputs["values"]
    without = rendered(changed("prod", monitoring={"kind": "existing"}))

    assert values["serviceMonitor"] == {"enabled": True}
    assert not without.of("PrometheusRule")
    assert without.of("Release")["cluster-autoscaler"].inputs["values"]["serviceMonitor"] == {
        "enabled": False
    }


def test_the_file_holds_the_same_rules(tmp_path: Path) -> None:
    out, console = tmp_path / "deep" / "alerts.yaml", Console(record=True, width=200)
    alert_file.write(Project(ROOT, tmp_path), "prod", out, console)

    assert yaml.safe_load(out.read_text()) == prometheus_rule(PROD, "prod")
    assert out.read_text() == rule_file(PROD, "prod")
    count = sum(len(group["rules"]) for group in prometheus_rule(PROD, "prod")["groups"])
    assert f"wrote {count} rules to {out}" in console.export_text()
