"""Says why a program does not stay up, as well as can be known from outside."""

from pathlib import Path

import psutil

from rehearsal.control_plane.ports import ADDRESS, Ports
from rehearsal.errors import RehearsalError
from rehearsal.supervisor.news import describe_log
from rehearsal.supervisor.port_choice import port_is_free


def why_down(program: str, ended: str, ports: Ports, log: Path) -> RehearsalError:
    """Name the taken port if one is, else show the end of the program's log.

    `program` must not run at this moment: its own ports would count as taken.
    """
    taken = [port for port in ports.of(program) if not port_is_free(port)]
    if taken:
        return _port_taken(program, taken[0])
    return RehearsalError(
        what=f"{program} does not stay up.",
        why=f"{ended}; {describe_log(log)}",
        mend="read the log, mend its cause, then run the command again",
        where=log,
    )


def _port_taken(program: str, port: int) -> RehearsalError:
    return RehearsalError(
        what=f"{program} cannot listen: its port is taken.",
        why=f"{_listener(port)} listens on port {port}",
        mend="end that program, or stop and start the rehearsal: it then takes another port",
        where=f"{ADDRESS}:{port}",
    )


def _listener(port: int) -> str:
    """Name the program that listens; other users' are not shown to everyone."""
    for each in psutil.net_connections("tcp"):
        listens = each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port
        if listens and each.pid:
            return f"{psutil.Process(each.pid).name()} (pid {each.pid})"
    return "another user's program"
