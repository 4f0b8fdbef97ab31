"""Imports point one way: the product does not know its stage, the stage not the product."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"infra", "fleet", "rehearsal", "worker_image"}
FORBIDDEN = {
    "infra": {"fleet", "rehearsal", "supply", "worker_image"},
    "rehearsal": {"fleet", "infra", "supply", "worker_image"},
    "worker_image": {"fleet", "infra", "rehearsal", "supply"},
    "supply": {"fleet", "infra", "rehearsal"},
    "policy/celery_policy": {"fleet", "infra", "rehearsal", "worker_image"},
    "policy/celery_policy/rules": {"pulumi", "pulumi_policy", "os", "time", "datetime", "socket"},
    "infra/models": {"pulumi", "pulumi_kubernetes", "boto3", "os", "time", "datetime", "socket"},
    "infra/alerts": {"pulumi", "pulumi_kubernetes", "boto3", "os", "time", "datetime", "socket"},
    "infra/dashboards": {
        "pulumi",
        "pulumi_kubernetes",
        "boto3",
        "os",
        "time",
        "datetime",
        "socket",
    },
    "infra/manifests": {"pulumi", "pulumi_kubernetes", "boto3", "os", "time", "datetime", "socket"},
}
# An image tells what it is made of in its own words, and its build compares.
ALLOWED = {("infra", "worker_image.sbom")}


def imported(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_a_layer_imports_nothing_from_above_or_beside_it(folder: str) -> None:
    for file in (ROOT / folder).rglob("*.py"):
        names = {name for name in imported(file) if (folder, name) not in ALLOWED}
        tops = {name.split(".")[0] for name in names}
        assert not tops & FORBIDDEN[folder], file


def test_one_file_reads_pulumis_configuration() -> None:
    readers = [
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "infra").rglob("*.py")
        if "pulumi.Config" in file.read_text() or "pulumi.runtime.config" in file.read_text()
    ]

    assert readers == ["infra/config.py"]
