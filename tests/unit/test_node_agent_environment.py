"""A container's environment, by the kubelet's rules."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.node_agent.rules.environment import (
    EnvironmentInputs,
    container_env,
    needed_sources,
)
from rehearsal.node_agent.rules.errors import ContainerConfigError
from rehearsal.node_agent.rules.expansion import expand
from rehearsal.node_agent.rules.quantity import in_units_of
from rehearsal.node_agent.rules.source import Source, SourceData
from tests.unit.node_agent_pods import container, facts, pod

SECRET = Source("Secret", "account")
SETTINGS = Source("ConfigMap", "settings")
CONTENTS: SourceData = {
    SECRET: {"password": b"p$(NAME)", "raw": b"\xff"},
    SETTINGS: {"level": b"INFO"},
}


def env_of(sources: SourceData = CONTENTS, **fields: Any) -> dict[str, str]:
    inputs = EnvironmentInputs(facts(), sources, {"FROM_IMAGE": "yes"})
    return container_env(container(**fields), inputs)


def secret_key(key: str, *, optional: bool = False) -> dict[str, Any]:
    return {"secretKeyRef": {"name": "account", "key": key, "optional": optional}}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(NAME)", "worker"),
        ("a-$(NAME)-$(NAME)", "a-worker-worker"),
        ("$$(NAME)", "$(NAME)"),
        ("$$$(NAME)", "$worker"),
        ("$(OTHER)", "$(OTHER)"),
        ("$(NAME", "$(NAME"),
        ("$NAME ${NAME} 5$", "$NAME ${NAME} 5$"),
        ("$()", "$()"),
    ],
)
def test_references_expand_as_kubernetes_documents(text: str, expanded: str) -> None:
    assert expand(text, {"NAME": "worker"}) == expanded


@given(st.text(alphabet="ab()"))
def test_text_without_a_dollar_is_left_alone(text: str) -> None:
    assert expand(text, {"a": "x"}) == text


def test_a_variable_refers_to_those_declared_before_it() -> None:
    env = env_of(env=[{"name": "A", "value": "$(B)"}, {"name": "B", "value": "b"}])

    assert env["A"] == "$(B)"


def test_a_secrets_value_is_not_expanded_but_can_be_referred_to() -> None:
    env = env_of(
        env=[
            {"name": "NAME", "value": "n"},
            {"name": "PASSWORD", "valueFrom": secret_key("password")},
            {"name": "URL", "value": "rediss://:$(PASSWORD)@host"},
        ]
    )

    assert env["PASSWORD"] == "p$(NAME)"
    assert env["URL"] == "rediss://:p$(NAME)@host"


def test_own_variables_win_over_whole_objects_which_win_over_the_image() -> None:
    env = env_of(
        envFrom=[{"configMapRef": {"name": "settings"}, "prefix": "FROM_"}],
        env=[{"name": "FROM_IMAGE", "value": "no"}],
    )

    assert env == {"FROM_IMAGE": "no", "FROM_level": "INFO"}


def test_a_missing_object_is_named() -> None:
    with pytest.raises(ContainerConfigError, match='secret "account" not found'):
        env_of({SECRET: None}, env=[{"name": "P", "valueFrom": secret_key("password")}])


def test_a_missing_key_is_named() -> None:
    with pytest.raises(ContainerConfigError, match="find key nope in Secret n/account"):
        env_of(env=[{"name": "P", "valueFrom": secret_key("nope")}])


@pytest.mark.parametrize("sources", [CONTENTS, {SECRET: None}])
def test_an_optional_key_that_is_missing_leaves_the_variable_out(sources: SourceData) -> None:
    env = env_of(sources, env=[{"name": "P", "valueFrom": secret_key("nope", optional=True)}])

    assert "P" not in env


def test_bytes_that_are_no_text_reach_the_process_unchanged() -> None:
    env = env_of(env=[{"name": "RAW", "valueFrom": secret_key("raw")}])

    assert env["RAW"].encode("utf-8", "surrogateescape") == b"\xff"


def test_every_object_that_the_environment_names_is_fetched() -> None:
    named = container(
        env=[{"name": "P", "valueFrom": secret_key("password")}],
        envFrom=[{"configMapRef": {"name": "settings"}}],
    )

    assert needed_sources(named) == {SECRET, SETTINGS}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"),
        ("metadata.namespace", "n"),
        ("metadata.uid", "u"),
        ("metadata.labels['app.kubernetes.io/name']", "celery"),
        ("metadata.labels['none']", ""),
        ("metadata.annotations['a']", "b"),
        ("spec.nodeName", "node-1"),
        ("spec.serviceAccountName", "worker"),
        ("status.podIP", "127.77.0.1"),
        ("status.hostIP", "127.0.0.1"),
    ],
)
def test_a_pod_learns_of_itself(path: str, value: str) -> None:
    named = pod(
        metadata={"labels": {"app.kubernetes.io/name": "celery"}, "annotations": {"a": "b"}},
        serviceAccountName="worker",
    )
    variable = {"name": "X", "valueFrom": {"fieldRef": {"fieldPath": path}}}
    inputs = EnvironmentInputs(facts(named), {}, {})

    assert container_env(container(env=[variable]), inputs) == {"X": value}


@pytest.mark.parametrize(
    ("resource", "divisor", "value"),
    [
        ("limits.cpu", "0", "2"),
        ("limits.cpu", "1m", "1500"),
        ("limits.memory", "1Mi", "2048"),
        ("requests.memory", "1", "1000000"),
        ("requests.cpu", "0", "0"),
        ("limits.nvidia.com/gpu", "0", "4"),
    ],
)
def test_limits_are_told_in_units_of_the_divisor(resource: str, divisor: str, value: str) -> None:
    own = container(
        resources={"limits": {"cpu": "1500m", "memory": "2Gi"}, "requests": {"memory": "1M"}},
        env=[
            {
                "name": "X",
                "valueFrom": {"resourceFieldRef": {"resource": resource, "divisor": divisor}},
            }
        ],
    )
    inputs = EnvironmentInputs(facts(allocatable={"nvidia.com/gpu": "4"}), {}, {})

    assert container_env(own, inputs)["X"] == value


@pytest.mark.parametrize(
    ("quantity", "bytes_"), [("1Ki", 1024), ("1k", 1000), ("1e3", 1000), ("0.5", 1), ("100m", 1)]
)
def test_quantities_are_rounded_up_to_whole_units(quantity: str, bytes_: int) -> None:
    assert in_units_of(quantity, "1") == bytes_
