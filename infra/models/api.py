"""The HTTP producer in front of the queues."""

from pydantic import PositiveInt

from infra.models.base import Spec
from infra.models.types import Port
from infra.models.worker import Compute, Resources


class ApiSpec(Spec):
    """Accepts tasks over HTTP and answers with their results."""

    port: Port = 8000
    replicas: PositiveInt = 1
    resources: Resources = Resources(
        requests=Compute(cpu="100m", memory="256Mi"), limits=Compute(cpu="500m", memory="512Mi")
    )
