"""The objects that a platform team would have made."""

import base64
import json
from pathlib import Path

from rehearsal.control_plane import platform_objects as objects
from rehearsal.control_plane.metrics_kinds import SERVED, metrics_kinds


def test_a_definition_is_applied_under_the_name_in_its_file_name(tmp_path: Path) -> None:
    (tmp_path / "keda.sh_scaledobjects.yaml").write_text("kind: X\n")

    (only,) = objects.custom_resources(tmp_path)

    assert only.path.endswith("/customresourcedefinitions/scaledobjects.keda.sh")
    assert only.manifest == "kind: X\n"


def test_all_kinds_of_a_group_are_waited_for(tmp_path: Path) -> None:
    for name in ("keda.sh_a", "keda.sh_b", "eventing.keda.sh_c"):
        (tmp_path / f"{name}.yaml").touch()

    assert objects.custom_kinds(tmp_path) == {
        "keda.sh": frozenset({"a", "b"}),
        "eventing.keda.sh": frozenset({"c"}),
    }


def test_the_storage_class_is_the_default_one() -> None:
    manifest = json.loads(objects.storage_class().manifest)

    annotations = manifest["metadata"]["annotations"]
    assert annotations["storageclass.kubernetes.io/is-default-class"] == "true"
    assert manifest["provisioner"] == "celery-fleet.dev/rehearsal"
    assert manifest["volumeBindingMode"] == "Immediate"


def test_the_brokers_secret_carries_its_values_encoded() -> None:
    secret = objects.broker_secret({"host": "127.0.0.1"})

    data = json.loads(secret.manifest)["data"]
    assert secret.path == "/api/v1/namespaces/rehearsal/secrets/broker"
    assert base64.b64decode(data["host"]) == b"127.0.0.1"


def test_the_metrics_api_is_reached_by_an_external_name_and_verified() -> None:
    service, api_service = objects.external_metrics(20007, b"PEM", "now")

    spec = json.loads(api_service.manifest)["spec"]
    assert json.loads(service.manifest)["spec"]["externalName"] == "localhost"
    assert spec["service"] == {
        "name": "keda-metrics-apiserver",
        "namespace": "keda",
        "port": 20007,
    }
    assert base64.b64decode(spec["caBundle"]) == b"PEM"
    assert "insecureSkipTLSVerify" not in spec


def test_the_metrics_stacks_kinds_are_there_and_take_any_spec() -> None:
    definitions = [json.loads(each.manifest) for each in metrics_kinds()]

    kinds = {"prometheusrules": "v1", "podmonitors": "v1", "alertmanagerconfigs": "v1alpha1"}
    assert {"monitoring.coreos.com": frozenset(kinds)} == SERVED
    for each, made in zip(definitions, metrics_kinds(), strict=True):
        names = each["spec"]["names"]
        assert made.path.endswith(f"/{names['plural']}.monitoring.coreos.com")
        assert each["metadata"]["name"] == f"{names['plural']}.{each['spec']['group']}"
        assert names["plural"] in SERVED[each["spec"]["group"]]
        (version,) = each["spec"]["versions"]
        spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
        assert version["name"] == kinds[names["plural"]]
        assert spec["x-kubernetes-preserve-unknown-fields"] is True
