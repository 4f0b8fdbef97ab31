"""A stack's dashboards as ConfigMaps, which Grafana's sidecar finds by their label."""

from collections.abc import Iterator, Mapping

from infra import names
from infra.dashboards import documents
from infra.dashboards.places import FOLDER
from infra.manifests import Manifest
from infra.manifests.labels import metadata
from infra.models.fleet import FleetConfig

# Of Grafana's chart: `sidecar.dashboards` of kube-prometheus-stack.
DASHBOARD_LABEL = "grafana_dashboard"
DASHBOARD_LABEL_VALUE = "1"
FOLDER_ANNOTATION = "grafana_folder"
# The API server takes 1 MiB of data, counted with the names of the files.
MOST_BYTES = 900 * 1024


def dashboard_files(config: FleetConfig, stack: str) -> Mapping[str, Mapping[str, str]]:
    """Files by ConfigMap: one, and more only where the API server would refuse it.

    Raises:
        ValueError: where one dashboard alone is too large.

    """
    maps: list[dict[str, str]] = [{}]
    size = 0
    for name, text in documents(config, stack).items():
        own = len(name.encode()) + len(text.encode())
        if own > MOST_BYTES:
            raise ValueError(
                f"dashboard {name} has {own} bytes, above {MOST_BYTES}: a ConfigMap takes 1 MiB"
            )
        if size + own > MOST_BYTES:
            maps.append({})
            size = 0
        maps[-1][name] = text
        size += own
    return dict(zip(_numbered(), maps, strict=False))


def dashboard_metadata(config: FleetConfig, name: str) -> Manifest:
    """Metadata of a ConfigMap of dashboards."""
    meta = metadata(name, config.namespace, "dashboards")
    found = {DASHBOARD_LABEL: DASHBOARD_LABEL_VALUE}
    return {
        **meta,
        "labels": {**meta["labels"], **config.monitoring.labels, **found},
        "annotations": {FOLDER_ANNOTATION: FOLDER},
    }


def _numbered() -> Iterator[str]:
    yield names.DASHBOARDS
    number = 2
    while True:
        yield f"{names.DASHBOARDS}-{number}"
        number += 1
