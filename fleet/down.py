"""`fleet down`: ends every process of the rehearsal; its data stays for the next `fleet up`."""

from rich.console import Console

from fleet import engine_lock, lock
from fleet.progress import Progress
from fleet.project import Project
from rehearsal.supervisor import client as supervisor


def run(project: Project, console: Console) -> None:
    """Stop everything, in whatever half-started shape it is, and say what was stopped.

    Pulumi's state, etcd's and the broker's data stay as they are, in agreement with one another.

    Raises:
        RehearsalError: where something is left, or `fleet up` is at work.

    """
    progress = Progress(console)
    if not project.state.is_dir():
        progress.say("down", "nothing runs: there is no state folder")
        return
    with lock.exclusively(project, "fleet down"):
        stage = supervisor.status(project.rehearsal)
        running = [process for process in stage.processes if process.pid is not None]
        engine_lock.end_holders(project, progress.reporter("pulumi"))
        supervisor.stop(project.rehearsal, progress.reporter("rehearsal"))
    names = ", ".join(process.name for process in running)
    progress.say("down", f"stopped {names}" if running else "nothing ran")
    progress.say("down", f"state is kept: {project.state} (`make clean` drops it)")
