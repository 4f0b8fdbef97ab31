"""Serves moto with its additions over HTTP, and two paths of its own."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

from rehearsal.cloud import additions
from rehearsal.cloud.calls import FAULTS, Fault
from rehearsal.cloud.program import FAULTS_PATH, READY_PATH

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class Application:
    """Moto's own application, with paths to ask whether it is ready and to inject errors."""

    def __init__(self) -> None:
        additions.add()
        # Without them AWS's own policies could not be attached.
        default_user_config["iam"] = {"load_aws_managed_policies": True}
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == READY_PATH:
            return Response("ready")(environ, start_response)
        if path == FAULTS_PATH:
            return _inject(Request(environ))(environ, start_response)
        answer: Iterable[bytes] = self._moto(environ, start_response)
        return answer


def _inject(request: Request) -> Response:
    """Take `{"action": "CreateAddon", "code": ..., "message": ..., "times": 1}`."""
    try:
        asked = json.loads(request.get_data())
        fault = Fault(str(asked["code"]), str(asked["message"]), int(asked.get("times", 1)))
        FAULTS.inject(str(asked["action"]), fault)
    except (ValueError, KeyError, TypeError) as error:
        return Response(f"no fault: {error!r}", status=400)
    return Response("injected")


def server(port: int) -> BaseWSGIServer:
    """Listen on a loopback port, 0 for a free one; `serve_forever` answers."""
    # moto's types say less than it is: a WSGI application.
    return make_server(
        "127.0.0.1", port, Application(), threaded=True, request_handler=MotoRequestHandler
    )
