"""For each rule, how the stack is broken by it, and which value leaves it open when unknown."""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.policy.celery_stack import NAMESPACE, PREVIEW, PRODUCTION

_POD = "mailer/spec/template/spec"
_MAIN = f"{_POD}/containers/0"
_TRIGGER = "mailer-scaler/spec/triggers/0/metadata"
_WORKER = ["celery", "-A", "shop", "worker", "-Q", "mail,news"]
_ANY_ACTION = json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "a"}]})
_PRICES = {"cache.m7g.large": 0.1264}


@dataclass(frozen=True)
class Break:
    """A change after which one rule refuses the stack, and what that rule then says."""

    rule: str
    path: str
    value: object
    says: str
    stack: str = PRODUCTION
    settings: dict[str, Any] = field(default_factory=dict)
    protect: bool = True
    unknown: str = ""
    """Path of a value that the rule needs; of another than `path` where that one is no value."""

    @property
    def asked(self) -> str:
        """Path of what may be unknown; empty where the rule reads an option, which never is."""
        return self.unknown or self.path


BREAKS = (
    Break("celery-probes", f"{_MAIN}/livenessProbe", None, "without livenessProbe"),
    Break(
        "celery-probe-is-cheap",
        f"{_MAIN}/livenessProbe/exec/command",
        ["sh", "-c", "celery -A shop inspect ping -d celery@$HOSTNAME"],
        "runs `celery inspect ping`",
        unknown=f"{_MAIN}/livenessProbe/exec",
    ),
    Break(
        "grace-exceeds-hard-limit",
        f"{_POD}/terminationGracePeriodSeconds",
        300,
        "300, not above the hard limit of 300 s",
    ),
    Break("gpu-placement", "render/spec/template/spec/nodeSelector", None, "selects no node"),
    Break(
        "trigger-without-password",
        f"{_TRIGGER}/password",
        "hunter2",
        "has 'password'",
        unknown=_TRIGGER,
    ),
    Break(
        "scaler-counts-own-queues",
        f"{_TRIGGER}/listName",
        "mailer",
        "it counts 'mailer', and its worker consumes 'mail', 'news'",
    ),
    Break(
        "in-flight-key-is-own",
        "mailer-scaler/spec/triggers/3/metadata/listName",
        "unacked:render",
        "it counts 'unacked:render', as render does too",
    ),
    Break(
        "scaler-owns-replicas",
        "mailer/spec/replicas",
        2,
        "states replicas",
        unknown="mailer-scaler/spec/scaleTargetRef/name",
    ),
    Break(
        "limits-within-visibility-timeout",
        f"{_MAIN}/env/0",
        {"name": "CELERY_BROKER_TRANSPORT_OPTIONS", "value": '{"visibility_timeout": 600}'},
        "hard limit 300 s and grace 330 s are not below the visibility timeout of 600 s",
        unknown=f"{_POD}/terminationGracePeriodSeconds",
    ),
    Break("one-beat", "beat/spec/replicas", 2, "it has 2 replicas"),
    Break("worker-has-budget", "mailer-budget/spec/selector/matchLabels/app", "x", "no PodDis"),
    Break("budget-permits-draining", "mailer-budget/spec/maxUnavailable", 0, "maxUnavailable is 0"),
    Break("network-policy-present", "walls/spec/policyTypes", ["Ingress"], "bounds its egress"),
    Break("image-by-digest", f"{_MAIN}/image", "shop:latest", "'shop:latest', which names no di"),
    Break(
        "container-resources",
        f"{_MAIN}/resources/limits/memory",
        None,
        "states no limits.memory",
        unknown=f"{_MAIN}/resources",
    ),
    Break(
        "pod-restricted",
        f"{_POD}/securityContext/runAsNonRoot",
        value=False,
        says="runAsNonRoot",
    ),
    Break("pod-no-host-access", f"{_POD}/hostNetwork", value=True, says="the pod has hostNetwork"),
    Break(
        "broker-noeviction",
        "parameters/parameters/0/value",
        "allkeys-lru",
        "its maxmemory-policy is allkeys-lru",
    ),
    Break("broker-tls", "cache/transitEncryptionEnabled", value=False, says="is not true"),
    Break(
        "broker-auth",
        "cache/userGroupIds",
        None,
        "neither userGroupIds nor authToken",
    ),
    Break(
        "broker-encrypted-at-rest", "cache/atRestEncryptionEnabled", value=False, says="is not true"
    ),
    Break(
        "broker-multi-az", "cache/multiAzEnabled", value=False, says="multiAzEnabled is not true"
    ),
    Break("broker-snapshots", "cache/snapshotRetentionLimit", 0, "for 0 days, below 1"),
    Break(
        "broker-not-public",
        "door/ingress/0/cidrBlocks",
        ["0.0.0.0/0"],
        "it lets 0.0.0.0/0 reach port 6379",
    ),
    Break("iam-no-write-wildcards", "uploads/policy", _ANY_ACTION, "it allows 's3:*'"),
    Break(
        "kms-key-rotates",
        "key/enableKeyRotation",
        value=False,
        says="enableKeyRotation is not true",
    ),
    Break(
        "storage-encrypted",
        "machine/blockDeviceMappings/0/ebs/encrypted",
        "false",
        "disk '/dev/xvda' is not encrypted",
    ),
    Break("imdsv2-only", "machine/metadataOptions/httpTokens", "optional", "is not required"),
    Break("cost-tags", "key/tags", {"stack": "prod"}, "it has no tag owner"),
    Break("data-protected", "", None, "it is not protected", protect=False),
    Break(
        "preview-caps",
        "mailer-scaler/spec/maxReplicaCount",
        60,
        "maxReplicaCount is 60, above the 5 of a preview",
        PREVIEW,
    ),
    Break(
        "preview-pages-nobody",
        "alerts/spec/groups/0/rules/0/labels/severity",
        "critical",
        "alert Late has severity critical",
        PREVIEW,
    ),
    Break(
        "preview-without-production-secrets",
        f"{_MAIN}/env/0/valueFrom/secretKeyRef/name",
        f"{NAMESPACE}-prod",
        "reads Secret shop-prod",
        PREVIEW,
    ),
    Break(
        "monthly-cost-ceiling",
        "cache/numCacheClusters",
        6,
        "it costs 554 $ a month, above its ceiling of 200 $",
        settings={"ceilingsUsd": {"prod": 200}, "pricesUsdPerHour": _PRICES},
    ),
)
