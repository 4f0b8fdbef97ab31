"""Which files a volume holds, from the objects it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from rehearsal.node_agent.model.pod import Pod
from rehearsal.node_agent.model.volume import (
    ConfigMapVolume,
    DownwardItem,
    DownwardVolume,
    KeyToPath,
    ProjectedSource,
    ProjectedVolume,
    SecretProjection,
    SecretVolume,
    TokenProjection,
    Volume,
)
from rehearsal.node_agent.rules.downward import PodFacts, field_value, resource_value
from rehearsal.node_agent.rules.errors import ContainerConfigError
from rehearsal.node_agent.rules.source import TOKEN_KEY, Source, SourceData

_DEFAULT_MODE = 0o644
# A pod's process runs as the agent's own user here, so nobody else needs to read its secrets.
_SECRET_MASK = 0o700
_SECRET_MODE = 0o600


@dataclass(frozen=True)
class VolumeFile:
    content: bytes
    mode: int


Files = Mapping[str, VolumeFile]
"""Files by their path within the volume."""


@dataclass(frozen=True)
class VolumeInputs:
    """All that a volume's files are made of."""

    facts: PodFacts
    sources: SourceData


def needed_sources(volume: Volume, pod: Pod) -> set[Source]:
    """The objects that the pod's volume is made of."""
    return {source for part in _parts(volume) for source in _sources(part, pod)}


def volume_files(volume: Volume, inputs: VolumeInputs) -> Files | None:
    """The files; None for a volume that the pod itself fills.

    `ContainerConfigError` if an object or a key is missing and not optional.
    """
    parts = _parts(volume)
    if not parts:
        return None
    default = _declared_mode(volume)
    return dict(chain.from_iterable(_files(part, default, inputs).items() for part in parts))


def _parts(volume: Volume) -> tuple[ProjectedSource, ...]:
    """Every kind as a projection, which is what each of them is in one or more parts."""
    if volume.projected:
        return volume.projected.sources
    if volume.config_map:
        return (ProjectedSource(config_map=volume.config_map),)
    if secret := volume.secret:
        projection = SecretProjection(
            name=secret.secret_name, items=secret.items, optional=secret.optional
        )
        return (ProjectedSource(secret=projection),)
    if volume.downward_api:
        return (ProjectedSource(downward_api=volume.downward_api),)
    return ()


def _declared_mode(volume: Volume) -> int | None:
    kinds: tuple[ConfigMapVolume | SecretVolume | DownwardVolume | ProjectedVolume | None, ...]
    kinds = (volume.config_map, volume.secret, volume.downward_api, volume.projected)
    return next((kind.default_mode for kind in kinds if kind), None)


def _sources(part: ProjectedSource, pod: Pod) -> set[Source]:
    if part.config_map:
        return {Source("ConfigMap", part.config_map.name)}
    if part.secret:
        return {Source("Secret", part.secret.name)}
    if part.service_account_token:
        return {_token_source(part.service_account_token, pod)}
    return set()


def _token_source(token: TokenProjection, pod: Pod) -> Source:
    return Source(
        "ServiceAccountToken",
        pod.spec.service_account_name or "default",
        token.audience,
        token.expiration_seconds,
        pod.metadata.name,
        pod.metadata.uid,
    )


def _files(part: ProjectedSource, default: int | None, inputs: VolumeInputs) -> Files:
    if part.config_map:
        mode = _DEFAULT_MODE if default is None else default
        return _selected(Source("ConfigMap", part.config_map.name), part.config_map, mode, inputs)
    if part.secret:
        mode = _SECRET_MODE if default is None else default
        found = _selected(Source("Secret", part.secret.name), part.secret, mode, inputs)
        return {path: _private(file) for path, file in found.items()}
    if token := part.service_account_token:
        return _token_file(token, inputs)
    items = part.downward_api.items if part.downward_api else ()
    mode = _DEFAULT_MODE if default is None else default
    return {item.path: _downward_file(item, mode, inputs.facts) for item in items}


def _selected(
    source: Source, part: ConfigMapVolume | SecretProjection, mode: int, inputs: VolumeInputs
) -> Files:
    data = inputs.sources[source]
    if data is None:
        if part.optional:
            return {}
        raise ContainerConfigError(f'{source.kind.lower()} "{source.name}" not found')
    items = part.items or [KeyToPath(key=key, path=key) for key in data]
    missing = [item.key for item in items if item.key not in data]
    if missing and not part.optional:
        kind = "config" if source.kind == "ConfigMap" else "secret"
        raise ContainerConfigError(f"references non-existent {kind} key: {missing[0]}")
    present = (item for item in items if item.key in data)
    return {item.path: VolumeFile(data[item.key], _mode(item.mode, mode)) for item in present}


def _token_file(token: TokenProjection, inputs: VolumeInputs) -> Files:
    source = _token_source(token, inputs.facts.pod)
    data = inputs.sources[source]
    if data is None:
        raise ContainerConfigError(f'serviceaccount "{source.name}" not found')
    return {token.path: VolumeFile(data[TOKEN_KEY], _SECRET_MODE)}


def _downward_file(item: DownwardItem, mode: int, facts: PodFacts) -> VolumeFile:
    text = ""
    if item.field_ref:
        text = field_value(facts, item.field_ref.field_path)
    elif item.resource_field_ref:
        text = resource_value(facts, facts.pod.spec.containers[0], item.resource_field_ref)
    return VolumeFile(text.encode(), _mode(item.mode, mode))


def _private(file: VolumeFile) -> VolumeFile:
    return VolumeFile(file.content, file.mode & _SECRET_MASK)


def _mode(own: int | None, default: int) -> int:
    return default if own is None else own


def sources_of(pod: Pod) -> set[Source]:
    """The objects that all of the pod's volumes are made of."""
    return {s for volume in pod.spec.volumes for s in needed_sources(volume, pod)}


def is_refreshed(volume: Volume) -> bool:
    """Its objects may change while the pod runs."""
    return bool(_parts(volume))
