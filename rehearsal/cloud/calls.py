"""What every added call shares: its parameters, its region, its answer."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse

from rehearsal.cloud.store import STORE, Record, Refusal

Handler = Callable[["Request"], Record]


@dataclass(frozen=True)
class Request:
    """One call: its parameters as botocore's model has them."""

    account: str
    region: str
    parameters: Mapping[str, object]

    def text(self, name: str) -> str:
        value = self.parameters.get(name)
        return "" if value is None else str(value)

    def arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{rest}"

    def given(self, *left_out: str) -> Record:
        """The parameters that were given, without some."""
        kept = {**self.parameters}
        return {
            name: kept[name] for name in kept if kept[name] is not None and name not in left_out
        }

    def find(self, kind: str, key: str, missing: Refusal) -> Record:
        """The record of that key; `missing` is raised where there is none."""
        record = STORE.get(self.region, kind, key)
        if record is None:
            raise missing
        return record


def added(handler: Handler) -> Callable[[BaseResponse], ActionResult]:
    """Make a handler a method of one of moto's response classes."""

    def method(response: BaseResponse) -> ActionResult:
        # Parsed by the model, whichever way moto's own methods of the service do it.
        response.parse_parameters(response.normalized_request)
        request = Request(response.current_account, response.region, dict(response.params))
        return ActionResult(handler(request))

    return method


@dataclass
class Fault:
    """An error to give instead of an answer."""

    code: str
    message: str
    times: int


class InjectedError(ServiceException):
    """Not of moto's own module, where moto would look for its shape in a service of that name."""


class Faults:
    """Errors that a test or a person injects, by the name of the call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[str, Fault] = {}

    def inject(self, action: str, fault: Fault) -> None:
        with self._lock:
            self._faults[action] = fault

    def strike(self, action: str) -> None:
        """Raise the error that waits for this call, if one does."""
        with self._lock:
            fault = self._faults.get(action)
            if fault is None or fault.times < 1:
                return
            fault.times -= 1
        raise InjectedError(fault.code, fault.message)


FAULTS = Faults()
