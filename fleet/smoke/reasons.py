"""Why no worker took a probe: what the cluster says once it was given up."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fleet import fleet_state
from fleet.fleet_state import FleetState, PodTrouble
from fleet.session import Session
from fleet.smoke.verdict import Checked
from infra import names


def explained(session: Session, checked: Sequence[Checked]) -> list[Checked]:
    """Add to each probe that never began what is wrong with its worker now."""
    if all(each.verdict != "not begun" for each in checked):
        return list(checked)
    namespace = session.config.namespace
    state = fleet_state.read(session.cluster, namespace)
    troubles = fleet_state.troubled_pods(session.cluster, namespace)
    return [with_reasons(each, state, troubles) for each in checked]


def with_reasons(checked: Checked, state: FleetState, troubles: Sequence[PodTrouble]) -> Checked:
    """Return a verdict with the state of its worker's pods and scaler."""
    if checked.verdict != "not begun":
        return checked
    told = "; ".join([checked.why, *_reasons(checked.aim.worker, state, troubles)])
    return replace(checked, why=told)


def _reasons(worker: str, state: FleetState, troubles: Sequence[PodTrouble]) -> Iterator[str]:
    for each in state.workers:
        if each.name == worker:
            ready, desired = each.replicas.ready, each.replicas.desired
            yield f"worker {worker} has {ready} of {desired} pods ready"
            if each.paused:
                yield "its scaler is paused"
            elif each.scaler_problem is not None:
                yield f"its scaler is not ready: {each.scaler_problem}"
    for trouble in troubles:
        # Of a Deployment: its ReplicaSet's mark and the pod's own.
        if trouble.pod.rsplit("-", 2)[0] == names.worker_object(worker):
            yield f"pod {trouble.pod}: {trouble.reason}"
