"""The HTTP producer in front of the queues."""

from pydantic import PositiveInt

from infra.models.base import Spec
from infra.models.types import Port
from infra.models.worker import Compute, Resources


class ApiSpec(Spec):
    """Accepts tasks over HTTP and answers with their results."""

    port: Port = 8000
    replicas: PositiveInt = 1
    outbox: bool = False
    """Whether requests are accepted while the broker is away: kept on the fleet's shared data and
    sent when it is back. Without it they are refused, with a time to come back."""
    resources: Resources = Resources(
        requests=Compute(cpu="100m", memory="256Mi"), limits=Compute(cpu="500m", memory="512Mi")
    )
