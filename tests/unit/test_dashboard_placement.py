"""Where dashboards are placed, and what `fleet dashboards` writes."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from fleet import dashboard_files
from fleet.project import Project
from infra import names
from infra.config import load_file
from infra.dashboards import documents
from infra.manifests import dashboards as manifests
from tests.unit.aws_stage import stack
from tests.unit.recorder import ROOT, Recorder, imagineer, render

PROD = load_file(ROOT / "Pulumi.prod.yaml")


def test_grafanas_sidecar_finds_what_prod_places() -> None:
    found = stack("prod")
    values = found.of("Release")["kube-prometheus-stack"].inputs["values"]
    sidecar = values["grafana"]["sidecar"]["dashboards"]
    (placed,) = (
        each.inputs
        for each in found.of("ConfigMap").values()
        if sidecar["label"] in each.inputs["metadata"]["labels"]
    )

    assert placed["metadata"]["labels"][sidecar["label"]] == sidecar["labelValue"]
    assert placed["metadata"]["annotations"] == {sidecar["folderAnnotation"]: "Celery fleet"}
    assert sidecar["provider"]["foldersFromFilesStructure"]
    assert sidecar["searchNamespace"] == "ALL"
    assert placed["data"] == documents(PROD, "test")


def test_a_cluster_without_the_operator_gets_none(fleet: Recorder) -> None:
    assert names.DASHBOARDS not in fleet.of_kind("ConfigMap")


def test_a_grafana_that_selects_by_other_labels_finds_them() -> None:
    monitoring = {"kind": "existing", "rules": True, "labels": {"grafana": "ours"}}
    found = render(imagineer(monitoring=monitoring)).of_kind("ConfigMap")

    assert found[names.DASHBOARDS]["metadata"]["labels"]["grafana"] == "ours"


def test_a_change_of_one_queues_limits_changes_no_dashboard() -> None:
    queues = {name: queue.model_dump(by_alias=True) for name, queue in PROD.queues.items()}
    queues["labeling"]["timeLimitSeconds"] -= 1
    queues["labeling"]["softTimeLimitSeconds"] -= 1
    raw = PROD.model_dump(by_alias=True)
    changed = type(PROD).model_validate({**raw, "queues": queues})

    assert documents(changed, "x") == documents(PROD, "x")


def test_a_hundred_queues_fit_into_what_the_api_server_takes() -> None:
    queue = PROD.queues["scraping"].model_dump(by_alias=True)
    raw = PROD.model_dump(by_alias=True)
    many = {f"q{number}": {**queue, "routes": [], "rateLimits": {}} for number in range(100)}
    groups = {**raw["nodeGroups"], "cpu": {**raw["nodeGroups"]["cpu"], "maxNodes": 500}}
    broker = {**raw["broker"], "maxConnections": 65_000}
    changed = {"queues": {**raw["queues"], **many}, "nodeGroups": groups, "broker": broker}
    found = manifests.dashboard_files(type(PROD).model_validate({**raw, **changed}), "x")

    assert list(found)[:2] == ["fleet-dashboards", "fleet-dashboards-2"]
    sizes = [sum(len(k) + len(v.encode()) for k, v in data.items()) for data in found.values()]
    assert max(sizes) < 1024 * 1024
    assert sum(len(data) for data in found.values()) == 104 + 5


def test_a_dashboard_that_is_too_large_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "MOST_BYTES", 1000)

    with pytest.raises(ValueError, match=r"overview\.json has \d+ bytes, above 1000"):
        manifests.dashboard_files(PROD, "x")


def test_the_files_hold_the_same_dashboards(tmp_path: Path) -> None:
    out, console = tmp_path / "deep" / "grafana", Console(record=True, width=200)
    dashboard_files.write(Project(ROOT, tmp_path), "prod", out, console)

    written = {path.name: json.loads(path.read_text()) for path in out.iterdir()}
    assert written == {name: json.loads(t) for name, t in documents(PROD, "prod").items()}
    assert f"wrote {len(written)} dashboards to {out}" in console.export_text()
