"""From the state folder to a stage that can be run: ports, certificates, broker, parts."""

import os
from dataclasses import dataclass, replace

from rehearsal.broker.server import BrokerServer, find_server
from rehearsal.control_plane.credentials import ensure_credentials
from rehearsal.control_plane.files import make_folder
from rehearsal.control_plane.ports import PORTS_OF, Ports
from rehearsal.layout import Layout
from rehearsal.supervisor.board import Board
from rehearsal.supervisor.daemon import Daemon
from rehearsal.supervisor.identity import Identity
from rehearsal.supervisor.inputs import inputs_fingerprint, read_tools
from rehearsal.supervisor.parts import Part
from rehearsal.supervisor.plan import Plan
from rehearsal.supervisor.port_choice import choose_ports, read_ports, write_ports
from rehearsal.supervisor.records import ProcessRecord, StageRecord
from rehearsal.supervisor.state_files import log_file, ports_file
from rehearsal.supervisor.stopping import is_alive, stop_processes


@dataclass(frozen=True)
class Preparation:
    """What a supervisor finds when it starts."""

    layout: Layout
    supervisor: Identity
    earlier: dict[str, ProcessRecord]
    """The processes of an earlier supervisor, by name."""

    def daemon(self) -> Daemon:
        """Prepare everything, run nothing yet; what died meanwhile is told.

        Raises:
            RehearsalError: the state folder cannot be written, or no port or broker is there.

        """
        alive = {name: record for name, record in self.earlier.items() if is_alive(record)}
        known = read_ports(ports_file(self.layout))
        ports = self._ports(known, alive)
        plan = self._plan(ports, find_server(os.environ.get("PATH", "")))
        moves = [*_moved_ports(known, ports), *_changed_broker(plan)]
        parts = plan.parts()
        self._stop_unplanned(alive, {part.name for part in parts})
        record = StageRecord(
            supervisor=self.supervisor,
            phase="running" if alive else "starting",
            inputs=inputs_fingerprint(self.layout),
            broker=str(plan.server),
            processes=self._records(parts),
        )
        board = Board(self.layout, record, ports, [part.name for part in parts])
        for move in moves:
            board.tell(move)
        self._tell_deaths(board, alive)
        board.write()
        return Daemon(board, parts)

    def _ports(self, known: dict[str, int], alive: dict[str, ProcessRecord]) -> Ports:
        names = {port for process in alive for port in PORTS_OF.get(process, ())}
        ports = choose_ports(known, {known[name] for name in names if name in known})
        write_ports(ports_file(self.layout), ports)
        return ports

    def _plan(self, ports: Ports, server: BrokerServer) -> Plan:
        make_folder(self.layout.etcd)
        spec = self.layout.read_spec()
        return Plan(
            layout=self.layout,
            spec=spec,
            tools=read_tools(self.layout),
            ports=ports,
            credentials=ensure_credentials(self.layout, ports),
            # ElastiCache's endpoint outlives a server: a failover leads it elsewhere.
            server=replace(server, tls=False) if spec.aws else server,
        )

    def _records(self, parts: list[Part]) -> dict[str, ProcessRecord]:
        records = {}
        for part in parts:
            if part.program is not None:
                log = log_file(self.layout, part.name)
                record = self.earlier.get(part.name) or ProcessRecord(name=part.name, log=log)
                record.log, record.stop_grace_s = log, part.program.stop_grace_s
                record.state, record.problem = "waiting", None
                records[part.name] = record
        return records

    def _tell_deaths(self, board: Board, alive: dict[str, ProcessRecord]) -> None:
        """Tell which died without a supervisor; when all did, the client says so in one line."""
        for name, record in self.earlier.items():
            if alive and record.identity is not None and name not in alive:
                record.last_exit = "while no supervisor watched"
                record.restarts += 1
                board.tell(record.last_exit, name, record.log)

    def _stop_unplanned(self, alive: dict[str, ProcessRecord], planned: set[str]) -> None:
        """End what an earlier plan had and this one has not: a TLS endpoint no longer needed."""
        stop_processes(record for name, record in alive.items() if name not in planned)


def _moved_ports(known: dict[str, int], ports: Ports) -> list[str]:
    return [
        f"port {known[name]} ({name}) is taken by another program: {port} is used from now on"
        for name, port in ports.model_dump().items()
        if name in known and known[name] != port
    ]


def _changed_broker(plan: Plan) -> list[str]:
    return [
        f"the broker is {plan.server} from now on; what waits in {other} stays there"
        for other in plan.broker.displaced()
    ]
