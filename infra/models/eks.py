"""A Kubernetes cluster that this stack makes on EKS."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from infra.models.base import Spec
from infra.models.types import Cidr, RoleArn

STORAGE_CLASS = "fleet-shared"
"""The StorageClass, on EFS, of the fleet's shared data."""
_HPA_DEFAULT_S = 15

HpaPeriodSeconds = Annotated[int, Field(ge=10, le=15)]
"""What EKS lets the autoscaler's period be (CreateCluster, kubeControllerManagerConfig)."""

AddOn = Literal[
    "vpc-cni",
    "kube-proxy",
    "coredns",
    "eks-pod-identity-agent",
    "aws-ebs-csi-driver",
    "aws-efs-csi-driver",
]


class EksCluster(Spec):
    """Control plane, add-ons and shared storage; nodes come from `nodeGroups`."""

    kind: Literal["eks"]
    name: str | None = Field(default=None, pattern=r"^[0-9A-Za-z][0-9A-Za-z_-]*$")
    """The stack's namespace, unless stated."""
    version: str = Field(default="1.36", pattern=r"^1\.[0-9]+$")
    """Kubernetes' minor version, raised one at a time."""
    support: Literal["STANDARD", "EXTENDED"] = "STANDARD"
    """At the end of standard support: EKS upgrades by itself, or goes on at six times the price."""
    public_access_cidrs: tuple[Cidr, ...] = ()
    """Who may reach the API server from outside; none means from inside the VPC only."""
    service_cidr: Cidr = "172.20.0.0/16"
    """Addresses of Services; no network that is reached from the VPC may have them."""
    admins: tuple[RoleArn, ...] = ()
    """IAM roles and users that administer the cluster, beside whoever made it."""
    log_types: tuple[
        Literal["api", "audit", "authenticator", "controllerManager", "scheduler"], ...
    ] = ("api", "audit", "authenticator")
    """Control-plane logs that are kept."""
    log_days: PositiveInt = Field(default=14, alias="logDays")
    control_plane_tier: Literal["standard", "tier-xl", "tier-2xl", "tier-4xl"] = "standard"
    hpa_sync_period_s: HpaPeriodSeconds = Field(
        default=_HPA_DEFAULT_S, alias="hpaSyncPeriodSeconds"
    )
    """How often the autoscaler looks; below 15 only on a provisioned control plane."""
    storage: str = Field(default="100Gi", pattern=r"^[0-9]+(Mi|Gi|Ti)$")
    """Asked for by the shared claim; EFS grows as it is written to and ignores it."""
    add_on_versions: Mapping[AddOn, str] = {}
    """Pins; without one EKS takes its default for the cluster's version."""

    @model_validator(mode="after")
    def _period_needs_a_tier(self) -> Self:
        if self.hpa_sync_period_s < _HPA_DEFAULT_S and self.control_plane_tier == "standard":
            raise ValueError(
                f"hpaSyncPeriodSeconds is {self.hpa_sync_period_s}, but EKS changes it from "
                f"{_HPA_DEFAULT_S} only on a provisioned control plane; state controlPlaneTier: "
                "tier-xl, or leave the period out"
            )
        return self

    @property
    def storage_class(self) -> str:
        return STORAGE_CLASS
