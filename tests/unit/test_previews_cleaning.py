"""Before a preview's objects go: its processes end, then its keys go, by its own login."""

from pathlib import Path
from typing import Any

import pytest

from fleet.previews.cleaning import Cleaning, forgetting_pod
from fleet.previews.place import Place
from fleet.project import Project
from infra.models.network_policy import NetworkPolicySpec
from rehearsal.errors import RehearsalError
from tests.unit.preview_stage import NAME, base, preview

CONFIG = preview("local")
NAMESPACE = f"/api/v1/namespaces/{NAME}"


class Cluster:
    """A stand-in for the API server; its pods are gone at the second look."""

    def __init__(self, *, phase: str = "Succeeded", login: bool = True, there: bool = True) -> None:
        self.login = {"host": "h"} if login else None
        self.looks = 0
        self.objects: dict[str, Any] = {}
        if there:
            self.objects = {
                NAMESPACE: {},
                f"{NAMESPACE}/configmaps/celery-settings": {},
                f"{NAMESPACE}/pods/forget-keys": {"status": {"phase": phase}},
            }

    def get(self, path: str) -> Any:
        return self.objects.get(path)

    def secret(self, _namespace: str, _name: str) -> Any:
        return self.login

    def items(self, _path: str) -> list[Any]:
        self.looks += 1
        return [{}] if self.looks == 1 else []


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What kubectl is told, in order."""
    found: list[str] = []

    def kubectl(_self: Cleaning, *arguments: str, given: str | None = None) -> str:
        found.append(" ".join(arguments[:2]) + (" a pod" if given else ""))
        return "42\n" if arguments[0] == "logs" else ""

    monkeypatch.setattr(Cleaning, "_kubectl", kubectl)
    return found


def cleaning(cluster: Any) -> Cleaning:
    project = Project(Path("/nowhere"), Path("/nowhere/state"))
    place = Place(project, "local", base("local").config, Path("/bin/pulumi"), {})
    return Cleaning(place, NAME, CONFIG, cluster, lambda _: None)


def test_scalers_go_before_workers_and_workers_before_keys(typed: list[str]) -> None:
    removed = cleaning(Cluster()).run()

    assert removed == 42
    assert typed == [
        "delete scaledobjects.keda.sh",
        "delete deployments.apps",
        "delete pods",
        "create -f a pod",
        "logs forget-keys",
        "delete pod",
    ]


def test_where_nothing_ever_had_a_login_there_are_no_keys_to_remove(typed: list[str]) -> None:
    assert cleaning(Cluster(login=False)).run() == 0
    assert "create -f a pod" not in typed


def test_without_a_namespace_there_is_nothing_to_do(typed: list[str]) -> None:
    gone = cleaning(Cluster(there=False))

    assert gone.run() == 0
    gone.remove_namespace()
    assert typed == []


def test_keys_that_stay_end_the_command_before_anything_else_goes(typed: list[str]) -> None:
    with pytest.raises(RehearsalError, match="its keys could not be removed: 42"):
        cleaning(Cluster(phase="Failed")).run()
    assert typed[-1] == "delete pod"


def test_the_pod_has_the_previews_login_its_prefix_and_the_janitors_way_to_the_broker() -> None:
    pod = forgetting_pod(CONFIG)
    (main,) = pod["spec"]["containers"]
    told = {each["name"]: each for each in main["env"]}

    assert pod["metadata"]["namespace"] == NAME
    assert told["FLEET_FORGOTTEN"]["value"] == f"{NAME}:"
    assert told["CELERY_BROKER_URL"]["valueFrom"]["secretKeyRef"]["name"] == "broker"
    assert CONFIG.network_policy == NetworkPolicySpec(scrapers=())
    assert pod["metadata"]["labels"]["app.kubernetes.io/component"] == "janitor"
    assert pod["spec"]["restartPolicy"] == "Never"
