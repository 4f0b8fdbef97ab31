"""The pod that removes a preview's keys: which image, past which policy, and why it cannot run."""

import json
from typing import Any

import pytest

from fleet.previews import forgetting as module
from fleet.previews.forgetting import Forgetting, forgetting_pod
from fleet.previews.kubectl import stuck
from infra.manifests.image_admission import fleet_images, image_policy
from infra.models.network_policy import NetworkPolicySpec
from rehearsal.errors import RehearsalError
from tests.unit.preview_stage import DIGEST, NAME, preview, wish

CONFIG = preview("local")
TYPO = preview("staging", wish(image="registry.test/wroker:1", training=True))
BASES = f"registry.test/worker@{DIGEST}"
POD = f"/api/v1/namespaces/{NAME}/pods/forget-keys"


class Cluster:
    """A stand-in for the API server, with the pod in one state."""

    def __init__(self, phase: str, waiting: tuple[str, str] | None = None, **placed: str) -> None:
        state = {"waiting": dict(zip(("reason", "message"), waiting or (), strict=False))}
        told = {"containerStatuses": [{"state": state}]} if waiting else {}
        scheduled = {"conditions": [{"type": "PodScheduled", **placed}]} if placed else {}
        self.pod = {
            "metadata": {"name": "forget-keys"},
            "status": {"phase": phase, **told, **scheduled},
        }

    def get(self, path: str) -> Any:
        assert path == POD
        return self.pod

    def items(self, _path: str) -> list[Any]:
        return [self.pod]


class Typed:
    """A stand-in for kubectl; the policy refuses the pod so often after its binding went."""

    def __init__(self, *, refused: int = 0, printed: str = "7") -> None:
        self.config, self.printed, self.refused = TYPO, printed, refused
        self.bound = bool(refused)
        self.words: list[str] = []
        self.images: list[str] = []

    def run(self, *words: str, given: str | None = None) -> str:
        self.words.append(" ".join(words[:3]))
        if words[0] == "create":
            return self._made(given or "")
        if words[1].startswith("validatingadmissionpolicybinding"):
            assert words[2] == f"{NAME}-images"
            self.bound = False
        return self.printed if words[0] == "logs" else ""

    def _made(self, given: str) -> str:
        self.images += [each["image"] for each in json.loads(given)["spec"]["containers"]]
        if self.refused:
            self.refused -= not self.bound
            why = f"ValidatingAdmissionPolicy '{NAME}-images' with binding denied request"
            raise stuck(self.config, why)
        return ""


def run(kubectl: Any, cluster: Any) -> int:
    return Forgetting(kubectl, cluster).run(BASES, lambda _: None)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LIMIT_S", 0.0)
    monkeypatch.setattr(module, "_LET_IN_LIMIT_S", 0.0)


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


def test_neither_the_branchs_image_nor_its_claim_can_keep_the_pod_waiting() -> None:
    spec = forgetting_pod(TYPO, BASES)["spec"]

    assert [each["image"] for each in spec["containers"]] == [BASES]
    assert not [each for each in spec["volumes"] if "persistentVolumeClaim" in each]
    mounted = {each["name"] for each in spec["containers"][0]["volumeMounts"]}
    assert mounted == {each["name"] for each in spec["volumes"]}


def test_without_an_image_of_the_bases_it_is_the_previews_own() -> None:
    (main,) = forgetting_pod(TYPO)["spec"]["containers"]

    assert main["image"] == "registry.test/wroker:1"


def test_a_policy_that_knows_the_branchs_image_alone_goes_before_the_pod_comes() -> None:
    assert BASES not in str(image_policy(TYPO, fleet_images(TYPO)))
    kubectl = Typed(refused=2)

    assert run(kubectl, Cluster("Succeeded")) == 7
    assert set(kubectl.images) == {BASES}
    assert kubectl.words[:4] == [
        "create -f -",
        f"delete validatingadmissionpolicybindings {NAME}-images",
        "create -f -",
        "create -f -",
    ]
    assert kubectl.words[4] == "create -f -"


def test_a_policy_that_lets_the_pod_in_stays() -> None:
    kubectl = Typed()

    assert run(kubectl, Cluster("Succeeded")) == 7
    assert kubectl.words == ["create -f -", "logs forget-keys", "delete pod forget-keys"]


@pytest.mark.usefixtures("impatient")
def test_a_policy_that_goes_on_refusing_ends_it() -> None:
    with pytest.raises(RehearsalError, match="refuses pod forget-keys, though"):
        run(Typed(refused=99), Cluster("Succeeded"))


def test_what_anything_else_refuses_is_told_and_no_policy_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kubectl = Typed()

    def full(_given: str) -> str:
        raise stuck(TYPO, "exceeded quota: bounds")

    monkeypatch.setattr(kubectl, "_made", full)
    with pytest.raises(RehearsalError, match="exceeded quota: bounds"):
        run(kubectl, Cluster("Succeeded"))
    assert kubectl.words == ["create -f -"]


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("InvalidImageName", "could not parse reference"),
        ("ErrImagePull", "failed to resolve reference: registry.test/wroker:1: not found"),
        ("ImagePullBackOff", "Back-off pulling image: manifest unknown"),
        ("CreateContainerConfigError", "couldn't find key brokerUrl in Secret"),
    ],
)
def test_what_no_waiting_mends_ends_it_at_once(reason: str, message: str) -> None:
    with pytest.raises(RehearsalError) as caught:
        run(Typed(), Cluster("Pending", (reason, message)))

    assert caught.value.why == f"pod forget-keys cannot run: {reason}: {message}"
    assert f"fleet preview down {NAME} --base staging --leave-keys" in caught.value.mend


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("cluster", "told"),
    [
        (Cluster("Pending", ("ImagePullBackOff", "no such host")), "ImagePullBackOff: no such"),
        (Cluster("Pending", ("CreateContainerConfigError", "timed out")), "ConfigError: timed out"),
        (Cluster("Pending", status="False", message="0/3 nodes"), "it is not placed: 0/3 nodes"),
        (Cluster("Running"), "it is Running"),
    ],
)
def test_what_may_pass_is_waited_for_and_told_in_the_end(cluster: Cluster, told: str) -> None:
    with pytest.raises(RehearsalError, match=f"has not ended in 0 s: .*{told}"):
        run(Typed(), cluster)


def test_keys_that_stay_end_the_command_with_what_the_pod_said_and_a_way_out() -> None:
    kubectl = Typed(printed="the broker does not answer: Error 111\n")

    with pytest.raises(RehearsalError) as caught:
        run(kubectl, Cluster("Failed"))

    assert caught.value.why.endswith("could not be removed: the broker does not answer: Error 111")
    assert "--leave-keys" in caught.value.mend
    assert kubectl.words[-1] == "delete pod forget-keys"
