"""Turns a container into a command that can run here."""

from dataclasses import dataclass

from rehearsal.node_agent.model.pod import Container
from rehearsal.node_agent.pods.runtime import PodRuntime
from rehearsal.node_agent.pods.volumes import container_mounts
from rehearsal.node_agent.rules.environment import (
    EnvironmentInputs,
    container_env,
    needed_sources,
)
from rehearsal.node_agent.rules.errors import UnknownImageError
from rehearsal.node_agent.rules.images import image_of, unknown_image
from rehearsal.node_agent.rules.launch import Launch, Surroundings, container_launch, image_env
from rehearsal.node_agent.rules.mount_paths import Mount


@dataclass(frozen=True)
class Prepared:
    """A container's main process, ready to start."""

    launch: Launch
    mounts: tuple[Mount, ...]


async def prepare(container: Container, runtime: PodRuntime) -> Prepared:
    """Resolve image, mounts and environment.

    `UnknownImageError` if no local environment stands in for the image; `ContainerConfigError`
    if an object it names is missing; `ApiError` if the API server does not tell.
    """
    services, pod = runtime.services, runtime.pod
    image = image_of(services.images(), container.image)
    if image is None:
        raise UnknownImageError(unknown_image(services.images(), container.image))
    sources = await services.reader.read(pod.metadata.namespace, needed_sources(container))
    mounts = container_mounts(container, runtime.volumes)
    around = Surroundings(image, runtime.folder.path, mounts, services.api.address)
    inputs = EnvironmentInputs(runtime.facts(), sources, image_env(pod, around))
    env = container_env(container, inputs)
    return Prepared(container_launch(container, env, around), mounts)
