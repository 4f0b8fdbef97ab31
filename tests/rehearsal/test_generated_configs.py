"""A real API server takes every object of any valid stack file, and takes no field it lacks."""

import gc
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from pulumi.runtime.rpc import unwrap_rpc_secret

from infra import config
from tests.rehearsal.stage import Stage
from tests.unit.generated import Stack, stacks
from tests.unit.recorder import Recorder, imagineer, render

pytestmark = [pytest.mark.rehearsal, pytest.mark.alone, pytest.mark.timeout(600)]

EXAMPLES = 500
_OF_EVERY_STACK = {
    "Namespace": "/api/v1/namespaces",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Service": "/api/v1/namespaces/{}/services",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "ScaledObject": "/apis/keda.sh/v1alpha1/namespaces/{}/scaledobjects",
    "TriggerAuthentication": "/apis/keda.sh/v1alpha1/namespaces/{}/triggerauthentications",
}
_RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}"
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
PLACES = {
    **_OF_EVERY_STACK,
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "ResourceQuota": "/api/v1/namespaces/{}/resourcequotas",
    "LimitRange": "/api/v1/namespaces/{}/limitranges",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "Role": f"{_RBAC}/roles",
    "RoleBinding": f"{_RBAC}/rolebindings",
    "ValidatingAdmissionPolicy": f"{_ADMISSION}/validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": f"{_ADMISSION}/validatingadmissionpolicybindings",
}
STRICT = {"dryRun": "All", "fieldValidation": "Strict", "fieldManager": "test", "force": "true"}
quiet = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    # What is refused is shown as it is; to make it smaller would ask the server again and again.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def objects(fleet: Recorder) -> Iterator[dict[str, Any]]:
    """What the program declares, without what it only reads."""
    for resource in fleet.resources:
        if "kind" in resource.inputs and resource.name != "connection":
            yield {key: unwrap_rpc_secret(value) for key, value in resource.inputs.items()}


def applied(stage: Stage, manifest: dict[str, Any]) -> httpx.Response:
    """Apply an object as the provider does, but only to see whether it would be taken."""
    meta = manifest["metadata"]
    place = PLACES[manifest["kind"]].format(meta.get("namespace"))
    return stage.api.patch(
        f"{place}/{meta['name']}",
        params=STRICT,
        headers={"Content-Type": "application/apply-patch+yaml"},
        content=json.dumps(manifest),
    )


def make_namespace(stage: Stage, name: str) -> None:
    """Dry runs leave none, and objects need theirs."""
    answer = stage.api.post("/api/v1/namespaces", json={"metadata": {"name": name}})
    assert answer.status_code in {httpx.codes.CREATED, httpx.codes.CONFLICT}, answer.text


def test_every_object_of_any_valid_stack_is_taken(stage: Stage) -> None:
    asked: dict[str, Future[httpx.Response]] = {}
    seen: list[int] = []

    with ThreadPoolExecutor(4) as clients:

        @given(stacks())
        @quiet
        def ask(stack: Stack) -> None:
            make_namespace(stage, stack.raw["namespace"])
            rendered = list(objects(render(config.validated(stack.raw, "generated"))))
            seen.append(len(rendered))
            for manifest in rendered:
                text = json.dumps(manifest, sort_keys=True)
                if text not in asked:
                    asked[text] = clients.submit(applied, stage, manifest)

        ask()
    # Of hundreds of mock engines' loops, while the warning about them is still ignored.
    gc.collect()

    refused = [
        f"{found.result().text}\n{text}" for text, found in asked.items() if found.result().is_error
    ]
    assert refused == []
    assert len(seen) == EXAMPLES
    assert {json.loads(text)["kind"] for text in asked} == set(PLACES)


@pytest.mark.parametrize("kind", sorted(_OF_EVERY_STACK))
def test_a_field_that_the_kind_lacks_is_refused(stage: Stage, kind: str) -> None:
    fleet = imagineer(namespace="misspelt")
    make_namespace(stage, fleet.namespace)
    manifest = next(each for each in objects(render(fleet)) if each["kind"] == kind)
    wrong = deepcopy(manifest)
    wrong.get("spec", wrong)["replicaz"] = 1

    assert applied(stage, manifest).is_success
    answer = applied(stage, wrong)

    assert answer.is_error
    assert "replicaz" in answer.text
