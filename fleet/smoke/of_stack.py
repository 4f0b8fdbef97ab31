"""One round of probes through a running stack: which queues, what is told meanwhile and after."""

from collections.abc import Callable, Sequence

from fleet import fleet_state
from fleet.session import Session
from fleet.smoke.aims import aims, chosen
from fleet.smoke.reasons import explained
from fleet.smoke.round import Round
from fleet.smoke.verdict import Checked

Report = Callable[[str], None]


def smoke(
    session: Session,
    report: Report,
    *,
    left: Report,
    queues: Sequence[str] = (),
    skip_gpu: bool = False,
    timeout_s: float | None = None,
) -> list[Checked]:
    """Send a probe through every queue that is meant, and judge each.

    Args:
        session: of the stack.
        report: told how far it is.
        left: told of each probe that could not be taken back, however this ends.
        queues: by name; none means all.
        skip_gpu: leave queues of GPU workers out.
        timeout_s: after which a queue is given up, though its objective tolerates more.

    Raises:
        RehearsalError: a name is no queue's, nothing is left, or the fleet cannot be asked.

    """
    config = session.config
    file = session.project.stack_file(session.stack)
    names = chosen(config, queues, skip_gpu=skip_gpu, stack_file=file)
    state = fleet_state.read(session.cluster, config.namespace)
    round_ = Round(session.api, aims(config, names, state, session.api.queues()), timeout_s)
    try:
        checked = round_.run(report)
    finally:
        for sentence in round_.left:
            left(sentence)
    return explained(session, checked)


def left_out(session: Session, checked: Sequence[Checked]) -> list[str]:
    """Return the queues that were not looked at."""
    seen = {each.aim.queue for each in checked}
    return [name for name in session.config.queues if name not in seen]
