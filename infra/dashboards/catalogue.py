"""All dashboards of one stack."""

import json
from collections.abc import Iterator, Mapping

from infra.dashboards.cost import cost_rows
from infra.dashboards.figures import Figures
from infra.dashboards.gpu import gpu_rows
from infra.dashboards.grafana import document
from infra.dashboards.keda import keda_rows
from infra.dashboards.overview import overview_rows
from infra.dashboards.panel import Dashboard, Row
from infra.dashboards.places import queue_page, uid
from infra.dashboards.queue import queue_rows
from infra.dashboards.redis import redis_rows
from infra.models.fleet import FleetConfig

_TAG = "celery-fleet"


def dashboards(config: FleetConfig, stack: str) -> tuple[Dashboard, ...]:
    """Overview, broker and scalers; GPUs and cost where there are any; one of each queue."""
    figures = Figures(config, stack)
    return (*_of_the_fleet(figures), *_of_queues(figures))


def documents(config: FleetConfig, stack: str) -> Mapping[str, str]:
    """Grafana's JSON of each dashboard, by file name."""
    made = dashboards(config, stack)
    url = config.monitoring.runbooks_url
    return {f"{one.name}.json": json.dumps(document(one, made, url)) for one in made}


def _of_the_fleet(figures: Figures) -> Iterator[Dashboard]:
    yield _page(
        figures,
        "overview",
        "Overview",
        "Whether anything is wrong in the fleet, and where.",
        overview_rows(figures),
    )
    yield _page(
        figures, "redis", "Redis", "The broker: memory, clients, commands.", redis_rows(figures)
    )
    yield _page(
        figures, "keda", "KEDA", "Scalers: what they see, what they want.", keda_rows(figures)
    )
    if any(group.gpu for group in figures.config.node_groups.values()):
        yield _page(figures, "gpu", "GPU", "GPU nodes and their devices.", gpu_rows(figures))
    if figures.priced:
        yield _page(figures, "cost", "Cost", "What the workers cost now.", cost_rows(figures))


def _of_queues(figures: Figures) -> Iterator[Dashboard]:
    space = figures.config.namespace
    for queue in figures.config.queues:
        yield Dashboard(
            queue_page(queue),
            uid(space, queue_page(queue)),
            f"{space}: queue {queue}",
            f"Queue {queue} and its worker {figures.worker_of[queue]}.",
            queue_rows(figures, queue),
            (_TAG, space, "queue"),
            menu="Queues",
        )


def _page(
    figures: Figures, name: str, title: str, description: str, rows: tuple[Row, ...]
) -> Dashboard:
    space = figures.config.namespace
    tags = (_TAG, space)
    return Dashboard(
        name, uid(space, name), f"{space}: {title}", description, rows, tags, short=title
    )
