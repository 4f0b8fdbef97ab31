"""A pod's phase from the states of its containers (kubelet_pods.go `getPhase`)."""

from collections.abc import Sequence
from typing import Literal

from rehearsal.node_agent.model.pod import RestartPolicy
from rehearsal.node_agent.rules.records import ContainerRecord, PodRecord, Running, Terminated

Phase = Literal["Pending", "Running", "Succeeded", "Failed"]


def pod_phase(record: PodRecord, policy: RestartPolicy, *, finished: bool) -> Phase:
    """The phase; `finished` says that no container will run again, whatever the policy."""
    before = _phase_of_initialisation(record, policy)
    if before is not None:
        return before
    mains = [c for c in record.containers if not c.init]
    if any(not isinstance(c.state, (Running, Terminated)) and c.last is None for c in mains):
        return "Failed" if finished else "Pending"
    ends = [_end(c) for c in mains if not isinstance(c.state, Running)]
    if len(ends) < len(mains):
        return "Running"
    return _phase_of_ends(ends, policy, finished=finished)


def initialised(record: PodRecord) -> bool:
    return all(_succeeded(c) for c in record.containers if c.init)


def _phase_of_initialisation(record: PodRecord, policy: RestartPolicy) -> Phase | None:
    failed = [c for c in record.containers if c.init and _exit_code(c) not in {0, None}]
    if failed and policy == "Never":
        return "Failed"
    return None if initialised(record) else "Pending"


def _phase_of_ends(ends: Sequence[int], policy: RestartPolicy, *, finished: bool) -> Phase:
    succeeded = not any(ends)
    if finished:
        return "Succeeded" if succeeded else "Failed"
    if policy == "Always":
        return "Running"
    if succeeded:
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


def _succeeded(container: ContainerRecord) -> bool:
    return isinstance(container.state, Terminated) and container.state.exit_code == 0


def _exit_code(container: ContainerRecord) -> int | None:
    return container.state.exit_code if isinstance(container.state, Terminated) else None


def _end(container: ContainerRecord) -> int:
    end = container.state if isinstance(container.state, Terminated) else container.last
    return end.exit_code if end else 0
