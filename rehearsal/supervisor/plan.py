"""Plans a stage: from specification, tools and ports to the parts and what each waits for."""

import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rehearsal.broker.account import OPERATOR, Account, ensure_account
from rehearsal.broker.connection import Connection, socket_problem
from rehearsal.broker.programs import Broker
from rehearsal.broker.server import BrokerServer
from rehearsal.cloud.program import BrokerAccess, cloud_problem, cloud_program
from rehearsal.control_plane.api import KubernetesApi
from rehearsal.control_plane.credentials import Credentials
from rehearsal.control_plane.etcd import etcd_program
from rehearsal.control_plane.keda import Keda
from rehearsal.control_plane.kubernetes import ControlPlane
from rehearsal.control_plane.ports import Ports
from rehearsal.control_plane.program import Program
from rehearsal.layout import Layout
from rehearsal.spec import RehearsalSpec
from rehearsal.supervisor.deeds import Deeds
from rehearsal.supervisor.health import Endpoints, heartbeat_problem, nodes_problem
from rehearsal.supervisor.inputs import ToolPaths
from rehearsal.supervisor.parts import Part
from rehearsal.supervisor.state_files import heartbeat_file

# The agent touches its file every few seconds; a busy machine may delay that.
_HEARTBEAT_LIMIT_S = 30.0
# The agent ends all its pods within it.
_NODE_AGENT_GRACE_S = 8.0


@dataclass(frozen=True)
class Plan:
    """Everything the parts are made of."""

    layout: Layout
    spec: RehearsalSpec
    tools: ToolPaths
    ports: Ports
    credentials: Credentials
    server: BrokerServer

    def parts(self) -> list[Part]:
        """List the parts; writes the broker's files.

        Raises:
            RehearsalError: the state folder cannot be written.

        """
        return [
            *self._control_plane(),
            *self._broker_parts(),
            *self._keda(),
            *self._cloud(),
            *self._nodes(),
        ]

    @cached_property
    def _api(self) -> KubernetesApi:
        return KubernetesApi(self.credentials, self.ports.kube_apiserver)

    @cached_property
    def _ask(self) -> Endpoints:
        return Endpoints(self.credentials)

    @cached_property
    def _connection(self) -> Connection:
        account = ensure_account(self.layout.broker / "account.json")
        return Connection(self.ports.broker, account, self.credentials.authority.certificate)

    @cached_property
    def _deeds(self) -> Deeds:
        return Deeds(self._api, self.tools.keda_crds, self._connection, self.ports)

    def _control_plane(self) -> list[Part]:
        render = ControlPlane(self.credentials, self.ports)
        tools, ports, ask = self.tools, self.ports, self._ask.problem
        etcd = etcd_program(tools.etcd, self.credentials, ports)
        api = render.kube_apiserver(tools.kube_apiserver)
        controllers = render.kube_controller_manager(
            tools.kube_controller_manager, self.spec.hpa_sync_period_s
        )
        scheduler = render.kube_scheduler(tools.kube_scheduler)
        after = (api.name,)
        return [
            Part(etcd.name, lambda: ask(ports.etcd, "/readyz"), (), etcd),
            Part(api.name, self._api.problem, (etcd.name,), api),
            Part(
                controllers.name,
                lambda: ask(ports.kube_controller_manager, "/healthz"),
                after,
                controllers,
            ),
            Part(scheduler.name, lambda: ask(ports.kube_scheduler, "/healthz"), after, scheduler),
            self._deeds.platform_objects(after),
        ]

    @cached_property
    def broker(self) -> Broker:
        """The broker, its files not written yet."""
        return Broker(
            server=self.server,
            credentials=self.credentials,
            ports=self.ports,
            account=self._connection.account,
            maxmemory_mib=self.spec.broker_maxmemory_mib,
            operator=self._operator if self.spec.aws else None,
        )

    @property
    def _operator_file(self) -> Path:
        return self.layout.broker / "operator.json"

    @cached_property
    def _operator(self) -> Account:
        return ensure_account(self._operator_file, OPERATOR)

    def _cloud(self) -> list[Part]:
        """AWS's stand-in, on a port that it chooses itself and tells in a file."""
        if not self.spec.aws:
            return []
        authority = self.credentials.authority.certificate
        access = BrokerAccess(
            self.ports.broker,
            authority,
            self._operator_file,
            self.server.path,
            self.broker.socket_file.parent,
        )
        root = self.layout.root
        program = cloud_program(root, 0, access)
        needed = ("kube-apiserver", self._broker_end)
        return [Part(program.name, lambda: cloud_problem(root), needed, program)]

    @property
    def _broker_end(self) -> str:
        """The part that clients of the broker connect to."""
        return "broker" if self.server.tls else "broker-tls"

    def _broker_parts(self) -> list[Part]:
        connection, broker = self._connection, self.broker
        broker.write_files()
        programs = broker.programs()
        if self.server.tls:
            return [Part("broker", connection.problem, (), programs[0])]
        server, endpoint = programs
        return [
            Part(
                server.name,
                lambda: socket_problem(broker.socket_file, connection.account),
                (),
                server,
            ),
            Part(endpoint.name, connection.problem, (server.name,), endpoint),
        ]

    def _keda(self) -> list[Part]:
        render = Keda(self.credentials, self.ports, trusts_stage=self.spec.aws)
        ports, ask = self.ports, self._ask.problem
        operator = render.operator(self.tools.keda_operator)
        adapter = render.adapter(self.tools.keda_adapter)
        after = ("platform-objects",)
        return [
            Part(
                operator.name,
                lambda: ask(ports.keda_operator_health, "/readyz", "http"),
                after,
                operator,
            ),
            Part(adapter.name, lambda: ask(ports.keda_adapter, "/readyz"), after, adapter),
            self._deeds.external_metrics((adapter.name,)),
        ]

    def _nodes(self) -> list[Part]:
        agent = self._node_agent()
        heartbeat = heartbeat_file(self.layout)
        fixed = frozenset(node.name for node in self.spec.nodes)
        least = {group.name: group.minimum for group in self.spec.node_groups}
        autoscaler = self._node_autoscaler() if least or self.spec.aws else []
        needed = (agent.name, *(part.name for part in autoscaler))
        return [
            Part(
                agent.name,
                lambda: heartbeat_problem(heartbeat, _HEARTBEAT_LIMIT_S),
                ("platform-objects", self._broker_end),
                agent,
            ),
            *autoscaler,
            Part("nodes", lambda: nodes_problem(self._api, fixed, least), needed),
        ]

    def _node_autoscaler(self) -> list[Part]:
        heartbeat = self.layout.node_autoscaler_heartbeat
        program = Program(
            name="node-autoscaler",
            argv=(
                sys.executable,
                "-m",
                "rehearsal.node_autoscaler",
                "--state",
                str(self.layout.root),
            ),
            cwd=self.layout.root,
            reads=(self.layout.kubeconfig, self.layout.spec_file),
            leaves=(heartbeat,),
        )
        return [
            Part(
                program.name,
                lambda: heartbeat_problem(heartbeat, _HEARTBEAT_LIMIT_S),
                ("kube-apiserver",),
                program,
            )
        ]

    def _node_agent(self) -> Program:
        state = str(self.layout.root)
        return Program(
            name="node-agent",
            argv=(sys.executable, "-m", "rehearsal.node_agent", "--state", state),
            cwd=self.layout.root,
            # It follows changes of the specification by itself.
            reads=(self.layout.kubeconfig,),
            leaves=(heartbeat_file(self.layout),),
            stop_grace_s=_NODE_AGENT_GRACE_S,
        )
