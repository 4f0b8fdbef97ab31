"""What `kubectl exec` would find in a pod of the rehearsal: its process' environment and folder.

A node agent serves no exec: its pods are processes of this machine, and a command that is started
with a process' environment, in its folder, is as good as inside.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rehearsal.node_agent.pods.pod_folder import PodFolder
from rehearsal.node_agent.rules.launch import MARK
from rehearsal.node_agent.rules.records import Running


@dataclass(frozen=True)
class Inside:
    """What a container's processes start with."""

    environ: Mapping[str, str]
    folder: Path


def inside(pods: Path, namespace: str, pod: str, container: str) -> Inside | None:
    """Look into a container; None where its main process does not run."""
    # A name holds no `_`, so the pattern cannot match another pod's folder.
    for folder in pods.glob(f"{namespace}_{pod}_*"):
        record = PodFolder(folder).read_record()
        state = record.container(container).state if record else None
        found = _of_process(state.pid) if isinstance(state, Running) else None
        # The number of a process that has ended may be another's now.
        if found and found.environ.get(MARK) == str(folder / container):
            return found
    return None


def _of_process(pid: int) -> Inside | None:
    with suppress(OSError):
        entries = Path(f"/proc/{pid}/environ").read_text(errors="surrogateescape").split("\0")
        pairs = (entry.partition("=") for entry in entries if "=" in entry)
        environ = {name: value for name, _, value in pairs}
        return Inside(environ, Path(f"/proc/{pid}/cwd").resolve(strict=True))
    return None
