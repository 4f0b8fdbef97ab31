"""Does what a probe or a hook asks for: runs a command, sends a request, connects."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from rehearsal.node_agent.model.pod import Container
from rehearsal.node_agent.model.probe import Action, HttpGetAction, TcpSocketAction
from rehearsal.node_agent.pods.members import end_session
from rehearsal.node_agent.pods.process import LocalProcess
from rehearsal.node_agent.rules.launch import Launch

_OUTPUT_MAX = 1024  # what of a command's output or a body goes into an event, bytes
_AGENT = "kube-probe/rehearsal"


@dataclass(frozen=True)
class Outcome:
    passed: bool
    message: str = ""


@dataclass(frozen=True)
class Target:
    """The container that an action is about."""

    container: Container
    ip: str
    command: Launch | None
    """An exec action's command in the container's environment."""


class ActionRunner:
    """Runs actions; one HTTP client serves all, without keeping connections open."""

    def __init__(self) -> None:
        # The kubelet does not verify a probe's certificate either.
        self._http = httpx.AsyncClient(
            verify=False,  # noqa: S501 - as above
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def run(self, action: Action, target: Target, timeout_s: float) -> Outcome:
        if target.command:
            return await _execute(target.command, timeout_s)
        if action.http_get:
            return await self._request(action.http_get, target, timeout_s)
        if action.tcp_socket:
            return await _connect(action.tcp_socket, target, timeout_s)
        return Outcome(passed=False, message="no action that this stand-in node knows")

    async def _request(self, action: HttpGetAction, target: Target, timeout_s: float) -> Outcome:
        try:
            url = _url(action, target)
            headers = {"User-Agent": _AGENT, "Accept": "*/*", **_headers(action)}
            async with asyncio.timeout(timeout_s):
                answer = await self._http.get(url, headers=headers, timeout=timeout_s)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, LookupError) as error:
            return Outcome(passed=False, message=f"{type(error).__name__} {error}".strip())
        # Redirects count as success: prober/http.go takes 200 up to 399.
        passed = HTTPStatus.OK <= answer.status_code < HTTPStatus.BAD_REQUEST
        return Outcome(passed, f"HTTP probe failed with statuscode: {answer.status_code}")


async def _execute(launch: Launch, timeout_s: float) -> Outcome:
    # In memory: a pipe would stay open as long as any process that inherited it.
    output = os.memfd_create("probe-output")
    try:
        process = LocalProcess.start(launch, output)
        in_time = False
        try:
            in_time = await process.exits_within(timeout_s)
        finally:
            if not in_time:
                await asyncio.shield(end_session(process.pid))
        if not in_time:
            return Outcome(passed=False, message=f"command timed out after {timeout_s:g}s")
        code = await process.exited()
        told = os.pread(output, _OUTPUT_MAX, 0).decode(errors="replace")
        return Outcome(code == 0, told or f"command exited with {code}")
    except OSError as error:
        return Outcome(passed=False, message=f"command cannot be run: {error}")
    finally:
        os.close(output)


async def _connect(action: TcpSocketAction, target: Target, timeout_s: float) -> Outcome:
    try:
        port = port_number(action.port, target.container)
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(action.host or target.ip, port)
            writer.close()
    except (OSError, LookupError) as error:
        return Outcome(passed=False, message=f"{type(error).__name__} {error}".strip())
    return Outcome(passed=True)


def port_number(port: int | str, container: Container) -> int:
    """The number behind a port that may be named; `LookupError` if no port has the name."""
    if isinstance(port, int):
        return port
    if port.isdigit():
        return int(port)
    for declared in container.ports:
        if declared.name == port:
            return declared.container_port
    raise LookupError(f"container {container.name} has no port named {port}")


def _url(action: HttpGetAction, target: Target) -> str:
    host = action.host or target.ip
    port = port_number(action.port, target.container)
    return f"{action.scheme.lower()}://{host}:{port}/{action.path.lstrip('/')}"


def _headers(action: HttpGetAction) -> Mapping[str, str]:
    return {header.name: header.value for header in action.http_headers}
