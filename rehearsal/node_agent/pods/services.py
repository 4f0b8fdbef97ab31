"""What every pod on this agent shares."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rehearsal.node_agent.api.client import ApiClient
from rehearsal.node_agent.api.events import EventRecorder
from rehearsal.node_agent.api.sources import SourceReader
from rehearsal.node_agent.pods.actions import ActionRunner
from rehearsal.node_agent.pods.image_pulls import ImagePulls
from rehearsal.node_agent.pods.volumes import VolumeLayer
from rehearsal.spec import ImageSpec


@dataclass(frozen=True)
class Services:
    """The agent's services; images and nodes are asked for anew, since the spec may change."""

    api: ApiClient
    events: EventRecorder
    reader: SourceReader
    volumes: VolumeLayer
    actions: ActionRunner
    images: Callable[[], Sequence[ImageSpec]]
    allocatable: Callable[[str], Mapping[str, str]]
    """What the node of this name offers to pods."""
    pulls: ImagePulls
