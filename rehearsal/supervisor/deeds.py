"""What the supervisor does to a fresh API server before the stage counts as healthy."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from rehearsal.broker.connection import Connection
from rehearsal.control_plane import platform_objects as objects
from rehearsal.control_plane.api import KubernetesApi
from rehearsal.control_plane.metrics_kinds import SERVED, metrics_kinds
from rehearsal.control_plane.ports import Ports
from rehearsal.supervisor.health import available_problem, served_problem
from rehearsal.supervisor.parts import Part


@dataclass(frozen=True)
class Deeds:
    """Applies the platform's objects; each deed may be done again at any time."""

    api: KubernetesApi
    keda_crds: Path
    connection: Connection
    ports: Ports

    def platform_objects(self, after: tuple[str, ...]) -> Part:
        """Namespaces, KEDA's and the metrics stack's kinds, storage class, the broker's Secret."""
        return Part(
            "platform-objects",
            check=lambda: served_problem(self.api, objects.custom_kinds(self.keda_crds) | SERVED),
            after=after,
            deed=self._apply_platform_objects,
        )

    def external_metrics(self, after: tuple[str, ...]) -> Part:
        """The autoscaler's way to KEDA's adapter."""
        return Part(
            "external-metrics",
            check=lambda: available_problem(self.api, objects.EXTERNAL_METRICS),
            after=after,
            deed=self._apply_external_metrics,
        )

    def _apply_platform_objects(self) -> None:
        for each in (
            *objects.namespaces(),
            *objects.custom_resources(self.keda_crds),
            *metrics_kinds(),
            objects.storage_class(),
            objects.broker_secret(self.connection.secret()),
        ):
            self.api.apply(each.path, each.manifest)

    def _apply_external_metrics(self) -> None:
        authority = self.connection.authority.read_bytes()
        now = dt.datetime.now(dt.UTC).isoformat()
        for each in objects.external_metrics(self.ports.keda_adapter, authority, now):
            self.api.apply(each.path, each.manifest)
