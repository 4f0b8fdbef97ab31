"""Managed node groups, one for each of the stack file's."""

# Annotations that are not run leave whole services of the SDK unread: seconds of every run.
from __future__ import annotations

from pulumi import ComponentResource, CustomTimeouts, Output, Resource, ResourceOptions
from pulumi_aws import autoscaling, ec2, eks

from infra.components.aws.access import Grant, grant
from infra.components.aws.placement import ClusterRuntime, NetworkRuntime, NodesRuntime, Place
from infra.manifests.aws import policies
from infra.manifests.aws.node_group import autoscaler_tags, launch_template, node_group
from infra.manifests.aws.policies import managed_policy
from infra.models.cluster import NodeGroupSpec

_NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly")
# A worker may take its whole grace to leave a node that is replaced, one node after another.
_UPDATE = "3h"


class NodeGroups(ComponentResource):
    """Nodes in private subnets, which the node autoscaler moves between `nodes` and `maxNodes`."""

    def __init__(self, place: Place, network: NetworkRuntime, cluster: ClusterRuntime) -> None:
        super().__init__("celery-fleet:aws:NodeGroups", "node-groups", None, place.opts)
        self._place, self._network, self._cluster = place, network, cluster
        # Of nodes of this stack only; broker and shared files let nothing else in.
        self._members = ec2.SecurityGroup(
            "nodes",
            vpc_id=network.vpc_id,
            description="Nodes of the fleet",
            opts=ResourceOptions(parent=self, depends_on=network.needs),
        )
        self._role = grant(
            "node",
            policies.trust("ec2.amazonaws.com"),
            self,
            [managed_policy(policy, place.region) for policy in _NODE_POLICIES],
        )
        made = {
            name: self._group(name, group, self._role)
            for name, group in sorted(place.config.node_groups.items())
        }
        needs: list[Resource] = list(made.values())
        for name, group in sorted(place.config.node_groups.items()):
            needs += self._tags(name, group, made[name])
        groups = {name: _auto_scaling_group(group) for name, group in made.items()}
        self.runtime = NodesRuntime(self._members.id, groups, needs)
        self.register_outputs({"groups": sorted(made)})

    def _group(self, name: str, group: NodeGroupSpec, role: Grant) -> eks.NodeGroup:
        tags = {**self._place.tags, "Name": f"{self._place.config.namespace}-{name}"}
        template = ec2.LaunchTemplate(
            name,
            vpc_security_group_ids=[self._cluster.security_group_id, self._members.id],
            opts=ResourceOptions(parent=self),
            **launch_template(group, tags),
        )
        return eks.NodeGroup(
            name,
            cluster_name=self._cluster.name,
            version=self._cluster.version,
            node_role_arn=role.arn,
            subnet_ids=self._network.private_subnet_ids,
            launch_template={
                "id": template.id,
                "version": template.latest_version.apply(str),
            },
            opts=ResourceOptions(
                parent=self,
                depends_on=[*self._network.needs, *self._cluster.needs, *role.needs],
                # Moved by the autoscaler; the next `up` would take its nodes away.
                ignore_changes=["scalingConfig.desiredSize"],
                custom_timeouts=CustomTimeouts(create="30m", update=_UPDATE, delete="1h"),
            ),
            **node_group(name, group),
        )

    def _tags(self, name: str, group: NodeGroupSpec, made: eks.NodeGroup) -> list[autoscaling.Tag]:
        return [
            autoscaling.Tag(
                # What follows `node-template`: kind and key; a taint and a resource may share one.
                f"{name}-{key.split('/', 3)[3].replace('/', '-')}",
                autoscaling_group_name=_auto_scaling_group(made),
                tag={"key": key, "value": value, "propagate_at_launch": False},
                opts=ResourceOptions(parent=self),
            )
            for key, value in autoscaler_tags(name, group).items()
        ]


def _auto_scaling_group(group: eks.NodeGroup) -> Output[str]:
    name: Output[str] = group.resources[0].autoscaling_groups[0].name
    return name
