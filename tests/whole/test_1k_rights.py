"""What the fleet's pods may ask of a node, and their accounts of the API server, right by right."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.whole.refusals import CORE, Door, Object, Right, main, pod_of
from tests.whole.running_fleet import NAMESPACE, PATIENT, RunningFleet

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(240)]

# By name, with its own reason, each keeps everything else as the fleet's pods have it.
REFUSED_BY_POD_SECURITY: dict[str, tuple[Callable[[Object], Any], str]] = {
    "privileged": (
        lambda pod: main(pod)["securityContext"].update(
            privileged=True, allowPrivilegeEscalation=True
        ),
        "privileged (container",
    ),
    "more rights later": (
        lambda pod: main(pod)["securityContext"].update(allowPrivilegeEscalation=True),
        "allowPrivilegeEscalation != false",
    ),
    "capabilities": (
        lambda pod: main(pod)["securityContext"].update(capabilities={"add": ["NET_ADMIN"]}),
        "unrestricted capabilities",
    ),
    "host path": (
        lambda pod: pod["spec"]["volumes"].append({"name": "h", "hostPath": {"path": "/etc"}}),
        'volume type "hostPath"',
    ),
    "host network": (lambda pod: pod["spec"].update(hostNetwork=True), "host namespaces"),
    "root": (
        lambda pod: pod["spec"]["securityContext"].update(runAsUser=0, runAsNonRoot=False),
        "runAsNonRoot != true",
    ),
    "user 0": (lambda pod: pod["spec"]["securityContext"].update(runAsUser=0), "runAsUser=0"),
    "no seccomp": (
        lambda pod: pod["spec"]["securityContext"].pop("seccompProfile"),
        "seccompProfile",
    ),
}
# Kubernetes grants these to whoever is signed in: to ask about himself.
OF_ANYONE = {
    Right("authentication.k8s.io", "selfsubjectreviews", "create"),
    Right("authorization.k8s.io", "selfsubjectaccessreviews", "create"),
    Right("authorization.k8s.io", "selfsubjectrulesreviews", "create"),
}
# Everything that is not here is refused. Of whose pods is the admission policy's to say.
MAY = {
    "worker-default": OF_ANYONE,
    "worker-labeling": OF_ANYONE,
    "worker-training": OF_ANYONE,
    f"worker-{PATIENT}": OF_ANYONE | {Right("", "pods", "patch")},
    "beat": OF_ANYONE,
    "janitor": OF_ANYONE,
    "api": OF_ANYONE,
    "redis-exporter": OF_ANYONE,
}


@pytest.mark.parametrize("what", REFUSED_BY_POD_SECURITY)
def test_pod_security_refuses_a_worker_pod_that_asks_for_more(
    door: Door, pod: Object, what: str
) -> None:
    change, reason = REFUSED_BY_POD_SECURITY[what]
    change(pod)

    told = door.refusal("pods", pod)

    assert 'violates PodSecurity "restricted:latest"' in told
    assert reason in told


def test_a_token_of_the_cluster_is_in_no_pod_but_those_that_tell_their_cost(
    running: RunningFleet, door: Door
) -> None:
    with_token = set()
    for name in MAY:
        answer = door.server.post(
            f"{CORE}/pods", json=pod_of(running, name), params={"dryRun": "All"}
        )
        answer.raise_for_status()
        if "serviceAccountToken" in answer.text:
            with_token.add(name)
    running_now = {
        pod["metadata"]["labels"]["app.kubernetes.io/component"]
        for pod in running.cluster.items(f"{CORE}/pods")
        if "serviceAccountToken" in str(pod["spec"])
    }

    assert with_token == {f"worker-{PATIENT}"}
    assert running_now <= {"worker"}


def test_each_account_may_do_what_its_table_says_and_nothing_else(
    door: Door, running: RunningFleet
) -> None:
    accounts = {
        name: pod_of(running, name)["spec"].get("serviceAccountName", "default") for name in MAY
    }
    asked = set(door.known())

    may = {account: door.may(account, asked) for account in {*accounts.values(), "default"}}

    assert {Right("", "secrets", "get"), Right("", "pods/exec", "create")} <= {r for r, _ in asked}
    assert may["default"] == OF_ANYONE
    assert {name: may[account] for name, account in accounts.items()} == MAY
    print(f"{len(asked)} rights asked for each of {len(may)} accounts")  # noqa: T201 - the figure


@pytest.mark.parametrize("account", ["default", f"worker-{PATIENT}"])
@pytest.mark.parametrize("elsewhere", ["kube-system", "rehearsal", "keda"])
def test_no_account_of_the_fleet_may_do_anything_in_another_namespace(
    door: Door, account: str, elsewhere: str
) -> None:
    user = f"system:serviceaccount:{NAMESPACE}:{account}"
    groups = ("system:serviceaccounts", "system:authenticated")
    review = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    headers = door.as_user(user, *groups).headers

    answer = door.server.post(
        review, json={"spec": {"namespace": elsewhere}}, headers=list(headers)
    )

    answer.raise_for_status()
    status = answer.json()["status"]
    assert status["incomplete"] is False
    granted = {
        Right(group, resource, verb)
        for rule in status["resourceRules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert granted == OF_ANYONE
