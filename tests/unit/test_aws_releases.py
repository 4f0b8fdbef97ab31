"""Third parties' charts are pinned, and their values are what the fleet needs of them."""

import re

import pytest

from infra.manifests.releases import gpu_tolerations, releases
from infra.models.agreement import plan
from tests.unit.aws_stage import changed, rendered, stack

CHARTS = {r.name: r for r in releases(stack("prod").config)}


def test_every_release_is_pinned_to_one_version_of_one_chart() -> None:
    found = stack("prod").of("Release")

    assert (
        set(found)
        == set(CHARTS)
        == {
            "kube-prometheus-stack",
            "keda",
            "cluster-autoscaler",
            "nvidia-device-plugin",
            "dcgm-exporter",
        }
    )
    for name, release in found.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", release.inputs["version"]), name
        assert release.inputs["repositoryOpts"]["repo"].startswith("https://"), name
        assert release.inputs["atomic"] is True


def test_metrics_come_first_for_others_use_its_kinds() -> None:
    found = stack("prod").of("Release")
    first = found["kube-prometheus-stack"].urn

    for name in set(found) - {"kube-prometheus-stack"}:
        assert first in found[name].needs or first in stack("prod").before(found[name].urn)


def test_keda_speaks_tls_logs_no_answers_and_keeps_one_operator() -> None:
    values = CHARTS["keda"].values

    assert values["http"]["minTlsVersion"] == "TLS12"
    assert values["logging"]["metricServer"]["level"] == "0"
    assert (
        values["operator"]["replicaCount"]
        > values["podDisruptionBudget"]["operator"]["minAvailable"]
    )
    for part in ("operator", "metricServer", "webhooks"):
        assert {"cpu", "memory"} <= set(values["resources"][part]["requests"])


def test_the_autoscaler_finds_this_clusters_groups_and_waits_for_running_tasks() -> None:
    config, values = stack("prod").config, CHARTS["cluster-autoscaler"].values

    assert values["autoDiscovery"]["clusterName"] == stack("prod").one("Cluster").inputs["name"]
    assert values["awsRegion"] == "us-east-1"
    assert values["image"]["tag"].startswith(f"v{config.cluster.model_dump()['version']}.")
    grace = max(plan(config, name).grace_s for name in config.workers)
    assert values["extraArgs"]["max-graceful-termination-sec"] == grace > 600
    # Every pod of the fleet has an emptyDir.
    assert values["extraArgs"]["skip-nodes-with-local-storage"] is False


def test_the_autoscalers_account_is_the_one_that_has_its_role() -> None:
    account = CHARTS["cluster-autoscaler"].values["rbac"]["serviceAccount"]["name"]
    association = stack("prod").of("PodIdentityAssociation")["cluster-autoscaler"].inputs

    assert association["serviceAccount"] == account
    assert association["namespace"] == CHARTS["cluster-autoscaler"].namespace


@pytest.mark.parametrize("name", ["nvidia-device-plugin", "dcgm-exporter"])
def test_gpu_daemons_get_past_the_taints_of_gpu_groups(name: str) -> None:
    tolerated = CHARTS[name].values["tolerations"]

    taints = stack("prod").config.node_groups["gpu"].taints
    assert tolerated == gpu_tolerations(stack("prod").config)
    assert {(t["key"], t["value"], t["effect"]) for t in tolerated} == {
        (t.key, t.value, t.effect) for t in taints
    }


def test_gpu_daemons_select_a_label_that_gpu_nodes_carry() -> None:
    selector = CHARTS["dcgm-exporter"].values["nodeSelector"]

    assert selector.items() <= stack("prod").of("NodeGroup")["gpu"].inputs["labels"].items()


def test_prometheus_takes_rules_and_monitors_of_every_namespace() -> None:
    values = CHARTS["kube-prometheus-stack"].values

    spec = values["prometheus"]["prometheusSpec"]
    for kind in ("rule", "serviceMonitor", "podMonitor", "probe"):
        assert spec[f"{kind}SelectorNilUsesHelmValues"] is False
    # EKS hides them: their alerts would ring for ever.
    for part in ("kubeControllerManager", "kubeScheduler", "kubeEtcd", "kubeProxy"):
        assert values[part] == {"enabled": False}
    assert values["grafana"]["adminPassword"] == ""


def test_a_stack_without_gpus_has_no_gpu_daemons() -> None:
    config = stack("staging").config
    queues = config.model_dump(by_alias=True)["queues"]
    workers = {n: w.model_dump(by_alias=True) for n, w in config.workers.items()}
    for part in (queues, workers):
        part.pop("training")
    group = config.node_groups["cpu"].model_dump(by_alias=True)
    found = rendered(changed("staging", queues=queues, workers=workers, nodeGroups={"cpu": group}))

    assert set(found.of("Release")) == {"kube-prometheus-stack", "keda", "cluster-autoscaler"}


def test_what_others_installed_is_left_alone() -> None:
    existing = {"kind": "existing"}
    found = rendered(changed("staging", keda=existing, monitoring=existing)).of("Release")

    assert set(found) == {"cluster-autoscaler", "nvidia-device-plugin", "dcgm-exporter"}
    assert found["dcgm-exporter"].inputs["values"]["serviceMonitor"] == {"enabled": False}
