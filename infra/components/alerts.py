"""What the metrics stack is asked to scrape, and to tell someone of."""

from pulumi import ComponentResource, Resource, ResourceOptions
from pulumi_kubernetes.apiextensions import CustomResource

from infra import names
from infra.manifests.prometheus_rule import monitoring_metadata, pod_monitor, prometheus_rule
from infra.models.fleet import FleetConfig

_OPERATOR = "monitoring.coreos.com/v1"


class Alerts(ComponentResource):
    """PrometheusRule and PodMonitor, in the fleet's own namespace."""

    def __init__(
        self, config: FleetConfig, stack: str, namespace: Resource, opts: ResourceOptions
    ) -> None:
        super().__init__("celery-fleet:alerts:Alerts", "alerts", None, opts)
        child = ResourceOptions(parent=self, depends_on=[namespace])
        for name, kind, spec in (
            (names.ALERTS, "PrometheusRule", prometheus_rule(config, stack)),
            (names.METRICS, "PodMonitor", pod_monitor(config)),
        ):
            CustomResource(
                name,
                api_version=_OPERATOR,
                kind=kind,
                metadata=monitoring_metadata(config, name),
                spec=spec,
                opts=child,
            )
        self.register_outputs({})
