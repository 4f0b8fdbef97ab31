"""Before a preview's objects go: its processes end, then its keys go, by its own login."""

from pathlib import Path
from typing import Any

import pytest

from fleet.previews import cleaning as module
from fleet.previews.cleaning import Cleaning
from fleet.previews.kubectl import Kubectl
from fleet.previews.place import Place
from fleet.previews.reap import Due, reap
from fleet.project import Project
from rehearsal.errors import RehearsalError
from tests.unit.preview_stage import NAME, base, preview

CONFIG = preview("local")
NAMESPACE = f"/api/v1/namespaces/{NAME}"
SCALERS = f"/apis/keda.sh/v1alpha1/namespaces/{NAME}/scaledobjects"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAME}/deployments"
PODS = f"{NAMESPACE}/pods"


def item(name: str, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, **metadata}}


class Cluster:
    """A stand-in for the API server; what it lists is gone at the third look, but what is held."""

    def __init__(self, *, login: bool = True, there: bool = True) -> None:
        self.login = {"host": "h"} if login else None
        self.looks: dict[str, int] = {}
        self.held: dict[str, list[Any]] = {}
        self.objects: dict[str, Any] = {}
        if there:
            self.objects = {
                NAMESPACE: {},
                f"{NAMESPACE}/configmaps/celery-settings": {},
                f"{PODS}/forget-keys": {"status": {"phase": "Succeeded"}},
            }

    def get(self, path: str) -> Any:
        return self.objects.get(path)

    def secret(self, _namespace: str, _name: str) -> Any:
        return self.login

    def items(self, path: str) -> list[Any]:
        if path in self.held:
            return self.held[path]
        self.looks[path] = self.looks.get(path, 0) + 1
        known = {SCALERS, DEPLOYMENTS, PODS}
        return [item("one")] if path in known and self.looks[path] < 3 else []


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What kubectl is told, in order."""
    found: list[str] = []

    def run(_self: Kubectl, *arguments: str, given: str | None = None) -> str:
        assert "--wait=true" not in arguments, "kubectl's own patience is a week"
        found.append(" ".join(arguments[:2]) + (" a pod" if given else ""))
        return "42\n" if arguments[0] == "logs" else ""

    monkeypatch.setattr(Kubectl, "run", run)
    return found


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("_GONE_LIMIT_S", "_NAMESPACE_LIMIT_S"):
        monkeypatch.setattr(module, limit, 0.0)


def cleaning(cluster: Any) -> Cleaning:
    project = Project(Path("/nowhere"), Path("/nowhere/state"))
    place = Place(project, "local", base("local").config, Path("/bin/pulumi"), {})
    return Cleaning(place, NAME, CONFIG, cluster, lambda: None)


def run(cluster: Any, **options: bool) -> int:
    return cleaning(cluster).run(lambda _: None, **options)


def test_scalers_go_before_workers_and_workers_before_keys(typed: list[str]) -> None:
    told: list[str] = []

    assert cleaning(Cluster()).run(told.append) == 42
    assert typed == [
        "delete scaledobjects.keda.sh",
        "delete deployments.apps",
        "delete pods",
        "create -f a pod",
        "logs forget-keys",
        "delete pod",
    ]
    assert "waiting for 1 scaledobjects.keda.sh to go" in told


def test_what_the_cluster_has_none_of_is_not_asked_to_go(typed: list[str]) -> None:
    without_keda = Cluster()
    without_keda.held = {SCALERS: []}

    assert run(without_keda) == 42
    assert typed[0] == "delete deployments.apps"


def test_where_nothing_ever_had_a_login_there_are_no_keys_to_remove(typed: list[str]) -> None:
    assert run(Cluster(login=False)) == 0
    assert "create -f a pod" not in typed


def test_keys_are_left_on_request_and_processes_are_not(typed: list[str]) -> None:
    assert run(Cluster(), leave_keys=True) == 0
    assert typed[-1] == "delete pods"


def test_without_a_namespace_there_is_nothing_to_do(typed: list[str]) -> None:
    gone = cleaning(Cluster(there=False))

    assert gone.run(lambda _: None) == 0
    gone.remove_unknown(lambda _: None)
    assert typed == []


def test_what_lies_outside_its_namespace_goes_though_pulumi_has_lost_sight_of_it(
    typed: list[str],
) -> None:
    cluster, group = Cluster(there=False), "admissionregistration.k8s.io"
    kinds = ("validatingadmissionpolicybindings", "validatingadmissionpolicies")
    for kind in reversed(kinds):
        cluster.objects[f"/apis/{group}/v1/{kind}/{NAME}-images"] = {}

    cleaning(cluster).remove_unknown(lambda _: None)

    assert typed == [f"delete {kind}.{group}" for kind in kinds]


@pytest.mark.usefixtures("typed", "impatient")
def test_a_scaler_that_keda_does_not_let_go_is_named_with_what_mends_it() -> None:
    cluster = Cluster()
    cluster.held = {SCALERS: [item("worker-preview", finalizers=["finalizer.keda.sh"])]}

    with pytest.raises(RehearsalError) as caught:
        run(cluster)

    held = "scaledobjects.keda.sh worker-preview has finalizer finalizer.keda.sh (KEDA's)"
    assert held in caught.value.why
    assert caught.value.mend.startswith("let KEDA's operator run")
    assert "patch scaledobjects.keda.sh worker-preview --type=merge" in caught.value.mend


@pytest.mark.usefixtures("typed", "impatient")
def test_a_preview_that_is_held_does_not_keep_reap_from_the_others() -> None:
    held, free = Cluster(), Cluster()
    held.held = {SCALERS: [item("worker-preview", finalizers=["finalizer.keda.sh"])]}
    free.looks = dict.fromkeys((SCALERS, DEPLOYMENTS, PODS), 2)
    clusters = {"held": held, "free": free}

    outcomes = list(reap([Due(n, "expired") for n in clusters], lambda n: run(clusters[n])))

    assert ["KEDA's operator" in (each.problem or "") for each in outcomes] == [True, False]
    assert outcomes[1].problem is None


@pytest.mark.usefixtures("typed", "impatient")
def test_a_namespace_that_stays_is_told_with_what_it_holds_and_what_the_cluster_says() -> None:
    cluster = Cluster()
    logins = SCALERS.replace("scaledobjects", "triggerauthentications")
    cluster.looks = dict.fromkeys((SCALERS, DEPLOYMENTS, PODS), 3)
    cluster.held = {logins: [item("broker", finalizers=["finalizer.keda.sh"])]}
    away = {"type": "NamespaceDeletionDiscoveryFailure", "message": "external.metrics: stale"}
    ended = {"type": "NamespaceContentRemaining", "message": "none", "status": "False"}
    cluster.objects[NAMESPACE] = {"status": {"conditions": [{**away, "status": "True"}, ended]}}

    with pytest.raises(RehearsalError) as caught:
        cleaning(cluster).remove_unknown(lambda _: None)

    assert "triggerauthentications.keda.sh broker has finalizer" in caught.value.why
    assert caught.value.why.endswith("NamespaceDeletionDiscoveryFailure: external.metrics: stale")


@pytest.mark.usefixtures("typed", "impatient")
def test_pods_of_a_node_that_is_away_are_told_with_it() -> None:
    cluster = Cluster()
    cluster.held = {PODS: [item("beat-x") | {"spec": {"nodeName": "node-7"}}]}
    cluster.looks = dict.fromkeys((SCALERS, DEPLOYMENTS), 3)

    with pytest.raises(RehearsalError, match="pods beat-x has not ended on node node-7"):
        run(cluster)
