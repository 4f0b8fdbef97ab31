"""The EKS control plane, who may use it, and what a node needs to become ready."""

# Annotations that are not run leave whole services of the SDK unread: seconds of every run.
from __future__ import annotations

import json
from collections.abc import Mapping

from pulumi import ComponentResource, Output, Resource, ResourceOptions
from pulumi_aws import cloudwatch, eks

from infra.components.aws.access import grant
from infra.components.aws.keys import key
from infra.components.aws.placement import Base, ClusterRuntime, Place
from infra.manifests.aws import policies
from infra.manifests.aws.kubeconfig import kubeconfig
from infra.manifests.aws.policies import managed_policy
from infra.models.eks import AddOn, EksCluster

_ADMIN = "AmazonEKSClusterAdminPolicy"
_CNI_SETTINGS = {"enableNetworkPolicy": "true"}


class Cluster(ComponentResource):
    """Control plane with encrypted Secrets and logs, access entries, and the first add-ons."""

    def __init__(self, place: Place, spec: EksCluster, base: Base) -> None:
        super().__init__("celery-fleet:aws:Cluster", "cluster", None, place.opts)
        self._place, self._spec = place, spec
        name = place.config.cluster_name or ""
        logs = cloudwatch.LogGroup(
            "control-plane",
            # EKS writes there and nowhere else; were it not there, EKS would make one for ever.
            name=f"/aws/eks/{name}/cluster",
            retention_in_days=spec.log_days,
            kms_key_id=base.data_key.arn,
            opts=ResourceOptions(parent=self),
        )
        self._cluster = self._control_plane(name, base, logs)
        self._admins()
        needs = [
            self.add_on("vpc-cni", "aws-node", "AmazonEKS_CNI_Policy", _CNI_SETTINGS),
            self.add_on("kube-proxy"),
            self.add_on("eks-pod-identity-agent"),
        ]
        self.runtime = ClusterRuntime(
            name=self._cluster.name,
            arn=self._cluster.arn,
            version=self._cluster.version,
            security_group_id=self._cluster.vpc_config.cluster_security_group_id,
            kubeconfig=Output.secret(
                Output.all(
                    self._cluster.name,
                    self._cluster.endpoint,
                    self._cluster.certificate_authority.data,
                ).apply(lambda a: kubeconfig(a[0], a[1], a[2], place.region))
            ),
            needs=needs,
        )
        self.register_outputs({"name": self._cluster.name})

    def add_on(
        self,
        name: AddOn,
        account: str | None = None,
        policy: str | None = None,
        settings: Mapping[str, object] | None = None,
        needs: list[Resource] | None = None,
    ) -> eks.Addon:
        """Install an add-on of EKS; its pods get a role of their own where they need one."""
        identities, granted = None, []
        if account and policy:
            trusted = policies.trust(policies.POD_IDENTITY)
            arn = managed_policy(policy, self._place.region)
            own = grant(name, trusted, self, [arn])
            identities = [{"service_account": account, "role_arn": own.arn}]
            granted = own.needs
        return eks.Addon(
            name,
            addon_name=name,
            cluster_name=self._cluster.name,
            addon_version=self._spec.add_on_versions.get(name),
            configuration_values=json.dumps(settings, sort_keys=True) if settings else None,
            pod_identity_associations=identities,
            resolve_conflicts_on_create="OVERWRITE",
            # What someone set by hand in an emergency stays.
            resolve_conflicts_on_update="PRESERVE",
            opts=ResourceOptions(parent=self, depends_on=[*granted, *(needs or [])]),
        )

    def _control_plane(self, name: str, base: Base, logs: cloudwatch.LogGroup) -> eks.Cluster:
        spec, place = self._spec, self._place
        secrets = key("secrets", place, "Secrets in etcd", ResourceOptions(parent=self))
        own = grant(
            "cluster",
            policies.trust("eks.amazonaws.com"),
            self,
            [managed_policy("AmazonEKSClusterPolicy", place.region)],
        )
        return eks.Cluster(
            "cluster",
            name=name,
            version=spec.version,
            role_arn=own.arn,
            access_config={
                "authentication_mode": "API",
                # Whoever makes the cluster has to fill it in the same run.
                "bootstrap_cluster_creator_admin_permissions": True,
            },
            # The first add-ons are made here, with roles of their own.
            bootstrap_self_managed_addons=False,
            deletion_protection=place.config.protect,
            enabled_cluster_log_types=list(spec.log_types),
            encryption_config={
                "provider": {"key_arn": secrets.arn},
                "resources": ["secrets"],
            },
            kubernetes_network_config={"service_ipv4_cidr": spec.service_cidr},
            upgrade_policy={"support_type": spec.support},
            vpc_config={
                "subnet_ids": base.network.private_subnet_ids,
                "endpoint_private_access": True,
                "endpoint_public_access": bool(spec.public_access_cidrs),
                "public_access_cidrs": list(spec.public_access_cidrs) or None,
            },
            opts=ResourceOptions(
                parent=self,
                protect=place.config.protect,
                depends_on=[*base.network.needs, *own.needs, logs],
            ),
            **_provisioned(spec),
        )

    def let_in(
        self, name: str, policy: Output[str], account: str, namespace: str
    ) -> list[Resource]:
        """Give a service account of the cluster a role of its own, with this policy."""
        own = grant(name, policies.trust(policies.POD_IDENTITY), self, policy=policy)
        association = eks.PodIdentityAssociation(
            name,
            cluster_name=self._cluster.name,
            namespace=namespace,
            service_account=account,
            role_arn=own.arn,
            opts=ResourceOptions(parent=self),
        )
        return [association, *own.needs]

    def _admins(self) -> None:
        for number, arn in enumerate(self._spec.admins, start=1):
            entry = eks.AccessEntry(
                f"admin-{number}",
                cluster_name=self._cluster.name,
                principal_arn=arn,
                opts=ResourceOptions(parent=self),
            )
            name_of_partition = policies.partition(self._place.region)
            eks.AccessPolicyAssociation(
                f"admin-{number}",
                cluster_name=self._cluster.name,
                principal_arn=entry.principal_arn,
                policy_arn=f"arn:{name_of_partition}:eks::aws:cluster-access-policy/{_ADMIN}",
                access_scope={"type": "cluster"},
                opts=ResourceOptions(parent=self),
            )


def _provisioned(spec: EksCluster) -> dict[str, object]:
    """What EKS takes of a provisioned control plane only."""
    if spec.control_plane_tier == "standard":
        return {}
    period = {"horizontal_pod_autoscaler_sync_period": f"{spec.hpa_sync_period_s}s"}
    return {
        "control_plane_scaling_config": {"tier": spec.control_plane_tier},
        "kube_controller_manager_config": {"horizontal_pod_autoscaler_controller_config": period},
    }
