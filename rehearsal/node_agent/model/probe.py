"""Probes and life-cycle hooks, with the API server's defaults."""

from typing import Literal

from rehearsal.node_agent.model.base import Read


class ExecAction(Read):
    command: tuple[str, ...] = ()


class HttpHeader(Read):
    name: str
    value: str = ""


class HttpGetAction(Read):
    path: str = "/"
    port: int | str
    """A number, or the name of one of the container's ports."""
    host: str = ""
    scheme: Literal["HTTP", "HTTPS"] = "HTTP"
    http_headers: tuple[HttpHeader, ...] = ()


class TcpSocketAction(Read):
    port: int | str
    host: str = ""


class SleepAction(Read):
    seconds: int


class Action(Read):
    """What a probe or a hook does; the API server lets exactly one be set."""

    exec: ExecAction | None = None
    http_get: HttpGetAction | None = None
    tcp_socket: TcpSocketAction | None = None


class Hook(Action):
    sleep: SleepAction | None = None


class GrpcAction(Read):
    port: int


class Probe(Action):
    grpc: GrpcAction | None = None
    initial_delay_seconds: int = 0
    period_seconds: int = 10
    timeout_seconds: int = 1
    success_threshold: int = 1
    failure_threshold: int = 3
    termination_grace_period_seconds: int | None = None


class Lifecycle(Read):
    post_start: Hook | None = None
    pre_stop: Hook | None = None
