"""The same app without the guard, and with pickle: what the fuzz must find, or it proves nothing.

`C_FORCE_ROOT=1 python -m chaos.fuzz --app chaos.fuzz.careless` ends with exit code 1.
"""

from chaos.fuzz.app import app
from worker_image import task_message

__all__ = ["app"]

app.conf.accept_content = ["json", "pickle", "yaml"]
task_message.check = lambda message: None  # noqa: ARG005 - its name is the other's
