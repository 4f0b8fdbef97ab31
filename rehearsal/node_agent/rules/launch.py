"""What is executed for a container: arguments, environment and working directory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rehearsal.node_agent.model.pod import Container, Pod
from rehearsal.node_agent.rules.expansion import expand
from rehearsal.node_agent.rules.mount_paths import Mount, PathRewriter
from rehearsal.spec import ImageSpec

# containerd's default for an image that sets none.
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MARK = "REHEARSAL_CONTAINER"
"""A variable that every process of a container inherits; it stands in for the cgroup."""


@dataclass(frozen=True)
class Launch:
    """A command, ready to run."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    working_dir: str
    mark: str
    """The value of MARK."""

    def running(self, argv: tuple[str, ...]) -> "Launch":
        """Another command in the same environment, as `kubectl exec` would run it."""
        return Launch(argv, self.env, self.working_dir, self.mark)


@dataclass(frozen=True)
class Surroundings:
    """What a container finds around it on its node."""

    image: ImageSpec
    pod_folder: Path
    mounts: tuple[Mount, ...]
    api_server: tuple[str, int]
    """Host and port at which processes of this machine reach the API server."""


def image_env(pod: Pod, around: Surroundings) -> dict[str, str]:
    """The environment before the container's own: the image's, and what a runtime sets.

    Nothing of the agent's own environment is in it.
    """
    return {
        "LANG": "C.UTF-8",
        "TMPDIR": _temporary_folder(around),
        **_local_env(around),
        "HOSTNAME": pod.spec.hostname or pod.metadata.name,
        "KUBERNETES_SERVICE_HOST": around.api_server[0],
        "KUBERNETES_SERVICE_PORT": str(around.api_server[1]),
    }


def container_launch(container: Container, env: Mapping[str, str], around: Surroundings) -> Launch:
    """The container's main process; `env` holds container paths, the launch local ones."""
    rewriter = PathRewriter(around.mounts)
    # Expanded first, from container paths: else a local path could be taken for a container's.
    arguments = (expand(text, env) for text in (*container.command, *container.args))
    mark = str(around.pod_folder / container.name)
    # The checkout may itself lie below a mount's path, as one in /tmp does.
    already = _local_env(around).items()
    local_env = {n: v if (n, v) in already else rewriter.value(v) for n, v in env.items()}
    program, *rest = (rewriter.argument(text) for text in arguments)
    return Launch(
        argv=(str(around.image.programs.get(program, program)), *rest),
        env={**local_env, MARK: mark},
        working_dir=rewriter.value(container.working_dir) or str(around.image.working_dir),
        mark=mark,
    )


def probe_arguments(
    container: Container, command: Sequence[str], mounts: tuple[Mount, ...]
) -> tuple[str, ...]:
    """A probe's command.

    The kubelet expands it from the literal values only: a variable with a `valueFrom` is empty
    (`ExpandContainerCommandOnlyStatic`).
    """
    literal = {variable.name: variable.value for variable in container.env}
    return hook_arguments([expand(text, literal) for text in command], mounts)


def hook_arguments(command: Sequence[str], mounts: tuple[Mount, ...]) -> tuple[str, ...]:
    """A hook's command, which the kubelet does not expand."""
    rewriter = PathRewriter(mounts)
    return tuple(rewriter.argument(text) for text in command)


def _local_env(around: Surroundings) -> dict[str, str]:
    """The part of `image_env` that holds this machine's paths, not a container's."""
    image = around.image
    path = [*(str(folder) for folder in image.path), image.env.get("PATH", _SYSTEM_PATH)]
    return {"HOME": str(around.pod_folder / "home"), **image.env, "PATH": ":".join(path)}


def _temporary_folder(around: Surroundings) -> str:
    if any(mount.container_path.rstrip("/") == "/tmp" for mount in around.mounts):  # noqa: S108 - a container's path
        return "/tmp"  # noqa: S108 - rewritten to the mount
    return str(around.pod_folder / "tmp")
