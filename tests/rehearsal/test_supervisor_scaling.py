"""KEDA on the stage scales by the length of a list, over TLS and with a password."""

import base64
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests.rehearsal.stage import IMAGE, Stage, eventually

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(120)]

NAMESPACE = "scaling"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"


@pytest.fixture
def connection(stage: Stage) -> dict[str, str]:
    data = stage.get("/api/v1/namespaces/rehearsal/secrets/broker")["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


@pytest.fixture
def broker(connection: dict[str, str]) -> Iterator[redis.Redis]:
    client = redis.Redis(
        host=connection["host"],
        port=int(connection["port"]),
        username=connection["username"],
        password=connection["password"],
        ssl=True,
        ssl_ca_data=connection["ca.crt"],
        ssl_cert_reqs=ssl.CERT_REQUIRED,
    )
    yield client
    client.close()


def authentication(connection: dict[str, str]) -> list[tuple[str, dict[str, Any]]]:
    values = {
        "address": f"{connection['host']}:{connection['port']}",
        "username": connection["username"],
        "password": connection["password"],
        "ca": connection["ca.crt"],
        "tls": "enable",
    }
    targets = [{"parameter": key, "name": "auth", "key": key} for key in values]
    return [
        (f"/api/v1/namespaces/{NAMESPACE}/secrets", named("auth", stringData=values)),
        (
            f"/apis/keda.sh/v1alpha1/namespaces/{NAMESPACE}/triggerauthentications",
            {
                "apiVersion": "keda.sh/v1alpha1",
                "kind": "TriggerAuthentication",
                **named("auth", spec={"secretTargetRef": targets}),
            },
        ),
    ]


def named(name: str, **fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, **fields}


def deployment() -> dict[str, Any]:
    container = {"name": "main", "image": IMAGE, "command": ["sleep", "600"]}
    template = {
        "metadata": {"labels": {"app": "w"}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }
    selector = {"matchLabels": {"app": "w"}}
    return named("w", spec={"replicas": 0, "selector": selector, "template": template})


def scaled_object() -> dict[str, Any]:
    trigger = {
        "type": "redis",
        "metadata": {"listName": "tasks", "listLength": "2"},
        "authenticationRef": {"name": "auth"},
    }
    spec = {
        "scaleTargetRef": {"name": "w"},
        "pollingInterval": 1,
        "cooldownPeriod": 1,
        "minReplicaCount": 0,
        "maxReplicaCount": 10,
        "triggers": [trigger],
    }
    return {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", **named("w", spec=spec)}


def test_a_list_of_tasks_scales_a_deployment_from_zero_and_back(
    stage: Stage, connection: dict[str, str], broker: redis.Redis
) -> None:
    stage.start()
    stage.create("/api/v1/namespaces", named(NAMESPACE))
    for path, document in authentication(connection):
        stage.create(path, document)
    stage.create(DEPLOYMENTS, deployment())
    scaled = f"/apis/keda.sh/v1alpha1/namespaces/{NAMESPACE}/scaledobjects"
    stage.create(scaled, scaled_object())

    def replicas() -> int:
        return int(stage.get(f"{DEPLOYMENTS}/w")["spec"].get("replicas", 0))

    broker.rpush("tasks", *range(10))
    eventually(lambda: replicas() == 5, "scale-out to 5")
    eventually(
        lambda: stage.get(f"{DEPLOYMENTS}/w")["status"].get("readyReplicas") == 5, "5 ready pods"
    )

    broker.delete("tasks")
    eventually(lambda: replicas() == 0, "scale-in to 0", within_s=60)
    stage.api.delete(f"{scaled}/w").raise_for_status()
    stage.api.delete(f"/api/v1/namespaces/{NAMESPACE}").raise_for_status()
