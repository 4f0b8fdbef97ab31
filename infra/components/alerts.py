"""What the metrics stack is asked to scrape, to tell someone of, and whom."""

from pulumi import ComponentResource, Output, Resource, ResourceOptions
from pulumi_kubernetes.apiextensions import CustomResource

from infra import names
from infra.alerts.routes import routing
from infra.manifests import Manifest
from infra.manifests.alertmanager_config import API_VERSION, alertmanager_config
from infra.manifests.prometheus_rule import monitoring_metadata, pod_monitor, prometheus_rule
from infra.models.fleet import FleetConfig

_OPERATOR = "monitoring.coreos.com/v1"


class Alerts(ComponentResource):
    """PrometheusRule, PodMonitor and, with receivers, AlertmanagerConfig, in the own namespace."""

    def __init__(
        self,
        config: FleetConfig,
        stack: str,
        topic_arn: Output[str] | None,
        namespace: Resource,
        opts: ResourceOptions,
    ) -> None:
        super().__init__("celery-fleet:alerts:Alerts", "alerts", None, opts)
        self._config = config
        self._child = ResourceOptions(parent=self, depends_on=[namespace])
        self._place(names.ALERTS, _OPERATOR, "PrometheusRule", prometheus_rule(config, stack))
        self._place(names.METRICS, _OPERATOR, "PodMonitor", pod_monitor(config))
        if config.monitoring.receivers.stated:
            routes = alertmanager_config(routing(config, topic_arn))
            self._place(names.ROUTES, API_VERSION, "AlertmanagerConfig", routes)
        self.register_outputs({})

    def _place(self, name: str, api_version: str, kind: str, spec: Manifest) -> None:
        CustomResource(
            name,
            api_version=api_version,
            kind=kind,
            metadata=monitoring_metadata(self._config, name),
            spec=spec,
            opts=self._child,
        )
