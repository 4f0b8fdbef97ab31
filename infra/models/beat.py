"""The one scheduler of the fleet's periodic tasks."""

from pydantic import Field

from infra.models.base import Spec
from infra.models.types import QueueName
from infra.models.worker import Compute, Resources


class BeatSpec(Spec):
    """Celery beat: always one replica, never configurable; a second would send twice."""

    maintenance_queue: QueueName = "default"
    purge_training_hour_utc: int = Field(default=3, ge=0, le=23, alias="purgeTrainingHour")
    purge_scrape_hour_utc: int = Field(default=4, ge=0, le=23, alias="purgeScrapeHour")
    disk_sample_hours: int = Field(default=6, ge=1, le=168)
    """Hours between two runs of `record_disk_usage`; at least weekly."""
    resources: Resources = Resources(
        requests=Compute(cpu="50m", memory="128Mi"), limits=Compute(cpu="250m", memory="256Mi")
    )
