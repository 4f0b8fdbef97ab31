"""Whether a preview that is up does its work: a probe through each of its queues."""

from collections.abc import Callable, Sequence

from fleet.cluster_place import VARIABLE
from fleet.previews.place import Place
from fleet.session import Session
from fleet.smoke.of_stack import left_out, smoke
from fleet.smoke.verdict import Checked, passed
from fleet.smoke.view import lines
from rehearsal.errors import RehearsalError

Report = Callable[[str], None]


def smoked(place: Place, name: str, report: Report) -> str:
    """Send the probes, and return in a line how long each waited.

    Queues on GPUs are left out: a probe would launch a node of theirs.

    Raises:
        RehearsalError: a queue is not well; it says which, and why.

    """
    session = Session(place.project, name, environ={VARIABLE: place.kubeconfig})
    checked = smoke(session, report, left=report, skip_gpu=True)
    if not passed(checked):
        raise RehearsalError(
            what=f"preview {name} is up, but not every queue of it is in time",
            why="\n".join(sentence for sentence, _ in lines(checked)),
            mend=f"read what its pods say: fleet preview logs {name}; then run this again",
        )
    return _told(checked, left_out(session, checked))


def _told(checked: Sequence[Checked], missing: Sequence[str]) -> str:
    waits = ", ".join(f"{each.aim.queue} {each.wait_s or 0:.1f} s" for each in checked)
    others = f"; not looked at: {', '.join(missing)}" if missing else ""
    return f"every queue in time: {waits}{others}"
