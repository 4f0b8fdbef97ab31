"""Every stack output, named and described once."""

from dataclasses import dataclass, fields
from pathlib import Path

import pulumi
from pulumi import Output

from infra import names
from infra.foundation import Foundation
from infra.manifests.container import BUILT, image
from infra.manifests.preview import preview_told
from infra.manifests.service import has_service
from infra.models.base_contract import BASE_VERSION
from infra.models.cluster import ExistingCluster
from infra.models.elasticache import ElastiCacheBroker
from infra.models.fleet import FleetConfig
from infra.models.image import ImageSource
from infra.models.tier import TIERS

_README = Path(__file__).resolve().parent.parent / "Pulumi.README.md"


@dataclass(frozen=True)
class FleetOutputs:
    """What scripts may ask a stack: `pulumi stack output`; what does not apply is left out."""

    namespace: str
    """Kubernetes namespace of every object of the fleet."""
    queues: list[str]
    """Declared queues."""
    workers: dict[str, str]
    """Deployment by worker."""
    revision: str | None
    """What its image is built of: where CI deploys, the commit whose program made the stack."""
    api_service: str | None
    """`namespace/name` of the HTTP API's Service, where it has one."""
    cluster_name: Output[str] | None
    """The EKS cluster."""
    kubeconfig: Output[str] | None
    """A secret; it holds no credential, `aws eks get-token` makes one for each use."""
    broker_host: Output[str] | None
    """The primary's name, which a failover moves; port 6379, TLS."""
    alarm_topic: Output[str] | None
    """ARN of the SNS topic of CloudWatch's alarms, and of alerts whose receiver it is."""
    base: dict[str, object] | None
    """What a preview needs to live on this stack's cluster and broker; by version."""
    preview: dict[str, str] | None
    """Branch, commit and time of a preview, for whoever has not got its stack file."""
    readme: str
    """Shown beside the stack; commands with this stack's outputs filled in."""

    def export(self) -> None:
        for each in fields(self):
            if (value := getattr(self, each.name)) is not None:
                pulumi.export(each.name, value)


def fleet_outputs(config: FleetConfig, below: Foundation) -> FleetOutputs:
    cluster, cache = below.cluster, below.cache
    return FleetOutputs(
        namespace=config.namespace,
        queues=sorted(config.queues),
        workers={name: names.worker_object(name) for name in config.workers},
        revision=_revision(config),
        api_service=f"{config.namespace}/{names.API}" if has_service(config) else None,
        cluster_name=cluster.name if cluster else None,
        kubeconfig=cluster.kubeconfig if cluster else None,
        broker_host=cache.host if cache else None,
        alarm_topic=below.alarm_topic,
        base=_base(config, below),
        preview=dict(preview_told(config)) or None,
        readme=_README.read_text(),
    )


def _revision(config: FleetConfig) -> str | None:
    image = config.image
    return image.build.revision if isinstance(image, ImageSource) and image.build else None


def _base(config: FleetConfig, below: Foundation) -> dict[str, object] | None:
    """No password: a reader's cluster holds it already, in the Secret that is named here."""
    if config.tier == "preview":
        return None
    found = config.cluster.context if isinstance(config.cluster, ExistingCluster) else None
    return {
        "version": BASE_VERSION,
        "region": config.region,
        "tier": config.tier,
        "namespace": config.namespace,
        "cluster": {
            "name": below.cluster.name if below.cluster else found,
            "kubeconfig": below.cluster.kubeconfig if below.cluster else None,
        },
        "storageClass": config.cluster.storage_class,
        "nodeGroups": sorted(config.node_groups),
        "broker": {
            "host": below.cache.host if below.cache else None,
            "port": below.cache.port if below.cache else None,
            "secret": f"{config.namespace}/{names.BROKER}",
            "keyPrefix": config.broker.key_prefix,
            "authority": "secret" if config.broker.publishes_ca else "system",
            **_members(config, below),
        },
        "images": _images(config, below),
    }


def _members(config: FleetConfig, below: Foundation) -> dict[str, object]:
    """Where previews join with users of their own; nothing where they cannot."""
    broker = config.broker
    if below.cache is None or not isinstance(broker, ElastiCacheBroker):
        return {}
    hosts = TIERS[config.tier].hosts
    return {"engine": broker.engine, "userGroup": below.cache.user_group if hosts else None}


def _images(config: FleetConfig, below: Foundation) -> dict[str, object]:
    """Reference by flavour; a build's is known once it is pushed."""
    given = {flavour: image(config, gpus) for flavour, gpus in (("cpu", 0), ("gpu", 1))}
    told: dict[str, object] = {}
    for flavour, reference in given.items():
        built = reference.removeprefix(BUILT)
        told[flavour] = reference if built == reference else below.images[built]
    return told
