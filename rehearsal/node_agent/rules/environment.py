"""Puts a container's environment together by the kubelet's rules of order and precedence."""

from collections.abc import Mapping
from dataclasses import dataclass

from rehearsal.node_agent.model.environment import (
    EnvFrom,
    EnvVar,
    KeyReference,
    ObjectReference,
    ValueSource,
)
from rehearsal.node_agent.model.pod import Container
from rehearsal.node_agent.rules.downward import PodFacts, field_value, resource_value
from rehearsal.node_agent.rules.errors import ContainerConfigError
from rehearsal.node_agent.rules.expansion import expand
from rehearsal.node_agent.rules.source import Source, SourceData, SourceKind


@dataclass(frozen=True)
class EnvironmentInputs:
    """All that a container's environment is made of."""

    facts: PodFacts
    sources: SourceData
    image_env: Mapping[str, str]


def needed_sources(container: Container) -> set[Source]:
    """The ConfigMaps and Secrets that the container's environment names."""
    needed: set[Source] = set()
    for whole in container.env_from:
        needed |= _named("ConfigMap", whole.config_map_ref) | _named("Secret", whole.secret_ref)
    for variable in container.env:
        source = variable.value_from or ValueSource()
        needed |= _named("ConfigMap", source.config_map_key_ref)
        needed |= _named("Secret", source.secret_key_ref)
    return needed


def container_env(container: Container, inputs: EnvironmentInputs) -> dict[str, str]:
    """The environment with container paths still in it, as the pod's author reads it.

    `ContainerConfigError` if an object or a key is missing and not optional.
    """
    declared: dict[str, str] = {}
    for whole in container.env_from:
        declared |= _whole_object(whole, inputs)
    for variable in container.env:
        value = _value(variable, container, inputs, declared)
        if value is not None:
            declared[variable.name] = value
    return {**inputs.image_env, **declared}


def _value(
    variable: EnvVar, container: Container, inputs: EnvironmentInputs, known: Mapping[str, str]
) -> str | None:
    source = variable.value_from
    if variable.value or source is None:
        return expand(variable.value, known)
    if source.config_map_key_ref:
        return _key_value("ConfigMap", source.config_map_key_ref, inputs)
    if source.secret_key_ref:
        return _key_value("Secret", source.secret_key_ref, inputs)
    if source.field_ref:
        return field_value(inputs.facts, source.field_ref.field_path)
    if source.resource_field_ref:
        return resource_value(inputs.facts, container, source.resource_field_ref)
    raise ContainerConfigError(
        f"variable {variable.name}: its valueFrom is not supported by this stand-in node"
    )


def _key_value(kind: SourceKind, reference: KeyReference, inputs: EnvironmentInputs) -> str | None:
    data = _object(kind, reference.name, inputs, optional=reference.optional)
    if reference.key in data:
        return _text(data[reference.key])
    if reference.optional:
        return None
    namespace = inputs.facts.pod.metadata.namespace
    raise ContainerConfigError(
        f"couldn't find key {reference.key} in {kind} {namespace}/{reference.name}"
    )


def _whole_object(whole: EnvFrom, inputs: EnvironmentInputs) -> dict[str, str]:
    data: Mapping[str, bytes] = {}
    if ref := whole.config_map_ref:
        data = _object("ConfigMap", ref.name, inputs, optional=ref.optional)
    elif ref := whole.secret_ref:
        data = _object("Secret", ref.name, inputs, optional=ref.optional)
    return {whole.prefix + key: _text(value) for key, value in data.items()}


def _object(
    kind: SourceKind, name: str, inputs: EnvironmentInputs, *, optional: bool
) -> Mapping[str, bytes]:
    data = inputs.sources[Source(kind, name)]
    if data is None and not optional:
        raise ContainerConfigError(f'{kind.lower()} "{name}" not found')
    return data or {}


def _named(kind: SourceKind, reference: KeyReference | ObjectReference | None) -> set[Source]:
    return {Source(kind, reference.name)} if reference else set()


def _text(value: bytes) -> str:
    # The operating system's variables are bytes; surrogates carry what is not UTF-8.
    return value.decode("utf-8", "surrogateescape")
