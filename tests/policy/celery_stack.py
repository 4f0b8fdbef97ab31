"""A Celery stack that is not the fleet's own and keeps every rule; tests break it one by one."""

import copy
from collections.abc import Iterator
from typing import Any

from celery_policy.resource import Resource, Stack

PRODUCTION, PREVIEW = "prod", "pr-7"
NAMESPACE = "shop"
IMAGE = f"registry.example/shop@sha256:{'a' * 64}"
TAGS = {"stack": "prod", "owner": "shop"}
ROLE_POLICY = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:PutObject"], '
    '"Resource": ["arn:aws:s3:::shop/*"]}]}'
)
Properties = dict[str, Any]
Parts = dict[str, tuple[str, Properties]]


def meta(name: str) -> Properties:
    return {"name": name, "namespace": NAMESPACE}


def pods(name: str, command: list[str], grace_s: int, **spec: Any) -> Properties:
    """A pod template that keeps the rules about pods."""
    main: Properties = {
        "name": "main",
        "image": IMAGE,
        "command": command,
        "env": [{"name": "BROKER_URL", "valueFrom": {"secretKeyRef": {"name": "broker"}}}],
        "livenessProbe": {"exec": {"command": ["test", "-e", "/run/alive"]}},
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    limits = spec.pop("limits", {})
    main["resources"]["limits"] |= limits
    return {
        "metadata": {"labels": {"app": name}},
        "spec": {
            "containers": [main],
            "securityContext": {
                "runAsNonRoot": True,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "terminationGracePeriodSeconds": grace_s,
            **spec,
        },
    }


def worker(name: str, queues: list[str], **spec: Any) -> Parts:
    """Deployment, budget, ScaledObject and network policy of one worker."""
    command = ["celery", "-A", "shop", "worker", "-Q", ",".join(queues), "--time-limit", "300"]
    labels = {"matchLabels": {"app": name}}
    lists = [*queues, f"{queues[0]}\x06\x163", f"unacked:{name}"]
    return {
        name: (
            "kubernetes:apps/v1:Deployment",
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": meta(name),
                "spec": {"selector": labels, "template": pods(name, command, 330, **spec)},
            },
        ),
        f"{name}-budget": (
            "kubernetes:policy/v1:PodDisruptionBudget",
            {
                "apiVersion": "policy/v1",
                "kind": "PodDisruptionBudget",
                "metadata": meta(name),
                "spec": {"maxUnavailable": 1, "selector": labels},
            },
        ),
        f"{name}-scaler": (
            "kubernetes:keda.sh/v1alpha1:ScaledObject",
            {
                "apiVersion": "keda.sh/v1alpha1",
                "kind": "ScaledObject",
                "metadata": meta(name),
                "spec": {
                    "scaleTargetRef": {"name": name},
                    "maxReplicaCount": 4,
                    "triggers": [
                        {
                            "type": "redis",
                            "metadata": {"listName": key, "passwordFromEnv": "PASSWORD"},
                        }
                        for key in lists
                    ],
                },
            },
        ),
    }


def beat_parts() -> Parts:
    beat = ["celery", "--app=shop", "beat"]
    return {
        "beat": (
            "kubernetes:apps/v1:Deployment",
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": meta("beat"),
                "spec": {
                    "replicas": 1,
                    "strategy": {"type": "Recreate"},
                    "selector": {"matchLabels": {"app": "beat"}},
                    "template": pods("beat", beat, 15),
                },
            },
        ),
    }


def cluster_parts() -> Parts:
    return {
        **worker("mailer", ["mail", "news"]),
        **beat_parts(),
        "walls": (
            "kubernetes:networking.k8s.io/v1:NetworkPolicy",
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": meta("walls"),
                "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
            },
        ),
        "broker-service": (
            "kubernetes:core/v1:Service",
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": meta("broker"),
                "spec": {"type": "ClusterIP", "ports": [{"port": 6379}]},
            },
        ),
        "alerts": (
            "kubernetes:monitoring.coreos.com/v1:PrometheusRule",
            {
                "apiVersion": "monitoring.coreos.com/v1",
                "kind": "PrometheusRule",
                "metadata": meta("alerts"),
                "spec": {
                    "groups": [
                        {
                            "name": "shop",
                            "rules": [{"alert": "Late", "labels": {"severity": "warning"}}],
                        }
                    ]
                },
            },
        ),
    }


def gpu_parts() -> Parts:
    """A second worker, on GPUs; a preview has none."""
    return worker(
        "render",
        ["render"],
        limits={"nvidia.com/gpu": "1"},
        nodeSelector={"gpu": "yes"},
        tolerations=[{"key": "nvidia.com/gpu", "operator": "Exists"}],
    )


def broker_parts() -> Parts:
    return {
        "parameters": (
            "aws:elasticache/parameterGroup:ParameterGroup",
            {
                "family": "valkey8",
                "parameters": [{"name": "maxmemory-policy", "value": "noeviction"}],
            },
        ),
        "cache": (
            "aws:elasticache/replicationGroup:ReplicationGroup",
            {
                "description": "broker",
                "engine": "valkey",
                "nodeType": "cache.m7g.large",
                "numCacheClusters": 2,
                "automaticFailoverEnabled": True,
                "multiAzEnabled": True,
                "parameterGroupName": "own",
                "transitEncryptionEnabled": True,
                "atRestEncryptionEnabled": True,
                "kmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/1",
                "userGroupIds": ["shop"],
                "snapshotRetentionLimit": 3,
                "finalSnapshotIdentifier": "last",
                "tags": TAGS,
            },
        ),
        "door": (
            "aws:ec2/securityGroup:SecurityGroup",
            {
                "description": "broker",
                "ingress": [
                    {
                        "protocol": "tcp",
                        "fromPort": 6379,
                        "toPort": 6379,
                        "cidrBlocks": ["10.0.0.0/8"],
                    }
                ],
            },
        ),
    }


def aws_parts() -> Parts:
    return {
        **broker_parts(),
        "uploads": ("aws:iam/rolePolicy:RolePolicy", {"role": "shop", "policy": ROLE_POLICY}),
        "key": ("aws:kms/key:Key", {"enableKeyRotation": True, "tags": TAGS}),
        "machine": (
            "aws:ec2/launchTemplate:LaunchTemplate",
            {
                "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
                "blockDeviceMappings": [
                    {"deviceName": "/dev/xvda", "ebs": {"encrypted": "true", "volumeSize": 50}}
                ],
            },
        ),
    }


def parts(stack: str = PRODUCTION) -> Parts:
    """Type and properties by name."""
    more = {} if stack == PREVIEW else gpu_parts()
    return copy.deepcopy({**cluster_parts(), **more, **aws_parts()})


def as_stack(given: Parts, stack: str = PRODUCTION, *, protect: bool = True) -> Stack:
    return Stack(tuple(_resources(given, stack, protect=protect)))


def _resources(given: Parts, stack: str, *, protect: bool) -> Iterator[Resource]:
    for name, (kind, properties) in given.items():
        urn = f"urn:pulumi:{stack}::shop::{kind}::{name}"
        yield Resource(kind, name, properties, urn, protect)


def put(given: Parts, path: str, value: object) -> None:
    """Set one value, `name/key/0/key`; None takes it away. A key may hold a slash as `~`."""
    name, *keys = (key.replace("~", "/") for key in path.split("/"))
    at: Any = given[name][1]
    for key in keys[:-1]:
        at = at[int(key)] if isinstance(at, list) else at.setdefault(key, {})
    last: Any = int(keys[-1]) if isinstance(at, list) else keys[-1]
    if value is None:
        del at[last]
    else:
        at[last] = value
