"""How a run of a container ended, in Kubernetes' words."""

from rehearsal.node_agent.rules.records import ContainerRecord, Running, Terminated

# The shell's and container runtimes' convention: 128 + signal.
_SIGNALLED = 128
# What the kubelet reports for a container whose status it lost (kuberuntime, 137).
_UNKNOWN_CODE = 137
# runc's and the kubelet's code for a command that could not be started.
_START_FAILED_CODE = 128


def run_ended(record: ContainerRecord, code: int | None, now: float) -> Terminated:
    """The end of the current run; `code` is negative for a signal, None if nobody knows it."""
    started_at = record.state.started_at if isinstance(record.state, Running) else now
    if code is None:
        return Terminated(
            exit_code=_UNKNOWN_CODE,
            reason="ContainerStatusUnknown",
            message="the process ended while no node agent was there to see its exit code",
            started_at=started_at,
            finished_at=now,
            container_id=record.container_id,
        )
    return Terminated(
        exit_code=code if code >= 0 else _SIGNALLED - code,
        signal=max(0, -code),
        reason="Error" if code else "Completed",
        started_at=started_at,
        finished_at=now,
        container_id=record.container_id,
    )


def start_failed(message: str, container_id: str, now: float) -> Terminated:
    return Terminated(
        exit_code=_START_FAILED_CODE,
        reason="StartError",
        message=message,
        started_at=now,
        finished_at=now,
        container_id=container_id,
    )
