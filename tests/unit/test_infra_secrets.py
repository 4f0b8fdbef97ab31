"""Secrets reach pods by reference, tokens reach none that needs none, a change rolls its readers.

Of whole stacks: one beside a broker of others, and one with its own.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.unit.aws_stage import Rendered, changed, opened, rendered, stack
from tests.unit.recorder import CONNECTION, Recorder, imagineer, render

TOKEN = "a-made-up-token"
EXPORTER = {"kind": "existing", "redisExporter": True}
TELLING = "training"
BROKER, API = {"broker"}, {"broker", "api-token"}

Objects = Mapping[str, dict[str, Any]]


def of_local(connection: Mapping[str, str] = CONNECTION, token: str = TOKEN) -> Recorder:
    workers = imagineer().model_dump(by_alias=True)["workers"]
    workers[TELLING]["podDeletionCost"] = True
    config = imagineer(workers=workers, monitoring=EXPORTER)
    return render(config, Recorder(connection=dict(connection)), token)


@pytest.fixture(scope="module")
def local() -> Recorder:
    return of_local()


def deployments(found: Rendered) -> Objects:
    return {name: each.inputs for name, each in found.of("Deployment").items()}


def pod(deployment: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


def read(part: Any) -> Iterator[str]:
    """Names of the Secrets that a pod's spec refers to, wherever in it."""
    if isinstance(part, list):
        for each in part:
            yield from read(each)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key in {"secretKeyRef", "secretRef", "secret"}:
                yield value.get("name") or value["secretName"]
            else:
                yield from read(value)


def readers(found: Objects) -> dict[str, set[str]]:
    """Secrets by Deployment, workers under one name."""
    return {
        "worker" if name.startswith("worker-") else name: set(read(pod(each)))
        for name, each in found.items()
    }


def rolled(before: Objects, after: Objects) -> set[str]:
    """Deployments whose pods are replaced by the change."""
    return {
        name
        for name in before
        if before[name]["spec"]["template"] != after[name]["spec"]["template"]
    }


def test_each_pod_reads_the_secrets_of_its_own_work_and_no_other(local: Recorder) -> None:
    own = {"worker": BROKER, "beat": BROKER, "janitor": BROKER, "api": API}

    assert readers(local.of_kind("Deployment")) == {**own, "redis-exporter": BROKER}
    assert readers(deployments(stack("prod"))) == {**own, "redis-exporter": {"broker-exporter"}}


def test_no_object_but_a_secret_holds_a_password_an_address_with_one_or_a_token(
    local: Recorder,
) -> None:
    hidden = (CONNECTION["password"], "p%2Fw%3Ad", "rediss://fleet", TOKEN)
    for each in local.resources:
        if each.inputs.get("kind") not in {None, "Secret"}:
            text = json.dumps(each.inputs)
            assert not [word for word in hidden if word in text], each.name
    shown = json.dumps([each.inputs for each in local.resources])
    # They are where they are looked for; else this test could not fail.
    assert all(word in shown for word in hidden)


def test_no_object_but_a_secret_holds_a_drawn_password() -> None:
    objects = [each for each in stack("prod").resources if each.typ.startswith("kubernetes:")]

    secrets = [each for each in objects if each.typ.endswith(":Secret")]
    assert "drawn-broker-blue" in json.dumps([opened(each.inputs) for each in secrets])
    for each in objects:
        if each not in secrets:
            assert "drawn-" not in json.dumps(opened(each.inputs)), each.name


def test_a_changed_broker_login_rolls_exactly_the_pods_that_read_it(local: Recorder) -> None:
    before = local.of_kind("Deployment")
    after = of_local({**CONNECTION, "password": "other"}).of_kind("Deployment")

    assert rolled(before, after) == {n for n in before if "broker" in set(read(pod(before[n])))}


def test_a_changed_token_rolls_exactly_the_pods_that_read_it(local: Recorder) -> None:
    before = local.of_kind("Deployment")
    after = of_local(token="another").of_kind("Deployment")

    assert rolled(before, after) == {"api"}


def test_a_rotation_rolls_exactly_the_pods_that_read_the_fleets_login() -> None:
    broker = stack("staging").config.broker.model_dump(by_alias=True)
    after = rendered(changed("staging", broker={**broker, "credentials": {"active": "green"}}))

    before = deployments(stack("staging"))
    reading = {name for name in before if "broker" in set(read(pod(before[name])))}
    assert rolled(before, deployments(after)) == reading
    assert reading == set(before) - {"redis-exporter"}


@pytest.mark.parametrize("name", ["local", "prod"])
def test_a_pod_holds_a_token_of_the_cluster_only_if_it_tells_its_cost(
    local: Recorder, name: str
) -> None:
    found = local.of_kind("Deployment") if name == "local" else deployments(stack("prod"))
    telling = {f"worker-{TELLING}"} if name == "local" else set()

    assert {n for n, each in found.items() if pod(each)["automountServiceAccountToken"]} == telling
    assert {n for n, each in found.items() if "serviceAccountName" in pod(each)} == telling
    assert "serviceAccountToken" not in json.dumps(list(found.values()))


def test_an_account_gives_its_token_to_no_pod_that_does_not_ask(local: Recorder) -> None:
    (account,) = local.of_kind("ServiceAccount").values()

    assert account["automountServiceAccountToken"] is False
