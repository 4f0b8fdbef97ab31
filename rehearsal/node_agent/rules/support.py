"""What a pod may ask of a real node and this stand-in refuses, each with its reason."""

from collections.abc import Iterator

from rehearsal.node_agent.model.pod import Container, PodSpec
from rehearsal.node_agent.model.volume import Volume

_VOLUME_KINDS = "emptyDir, configMap, secret, downwardAPI, projected and persistentVolumeClaim"


def refusals(spec: PodSpec) -> list[str]:
    """Reasons why this pod cannot run here; empty for a pod that can."""
    return [
        *(reason for volume in spec.volumes for reason in _of_volume(volume)),
        *(reason for c in spec.init_containers for reason in _of_init_container(c)),
        *(reason for c in (*spec.init_containers, *spec.containers) for reason in _of(c)),
        *(
            ["activeDeadlineSeconds is not kept by this stand-in node"]
            if spec.active_deadline_seconds is not None
            else []
        ),
    ]


def _of_volume(volume: Volume) -> Iterator[str]:
    if not volume.model_fields_set - {"name"}:
        yield f"volume {volume.name}: this stand-in node has only {_VOLUME_KINDS}"


def _of_init_container(container: Container) -> Iterator[str]:
    if container.restart_policy == "Always":
        yield f"init container {container.name}: sidecars do not run on this stand-in node"


def _of(container: Container) -> Iterator[str]:
    name = container.name
    if not container.command:
        yield (
            f"container {name}: no `command`; this stand-in node runs local processes "
            "and does not know the image's ENTRYPOINT"
        )
    if container.lifecycle.post_start:
        yield f"container {name}: postStart hooks do not run on this stand-in node"
    probes = (container.startup_probe, container.readiness_probe, container.liveness_probe)
    if any(probe and probe.grpc for probe in probes):
        yield f"container {name}: gRPC probes do not run on this stand-in node"
