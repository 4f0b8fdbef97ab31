"""Tags of everything on AWS that can carry them."""

from collections.abc import Mapping

from infra.models.fleet import FleetConfig

PROJECT = "celery-fleet"
STACK_TAG = "stack"

# Those of the types in use whose SDK class takes `tags`; a test compares.
TAGGABLE = frozenset(
    {
        "aws:budgets/budget:Budget",
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "aws:ec2/eip:Eip",
        "aws:ec2/flowLog:FlowLog",
        "aws:ec2/internetGateway:InternetGateway",
        "aws:ec2/launchTemplate:LaunchTemplate",
        "aws:ec2/natGateway:NatGateway",
        "aws:ec2/routeTable:RouteTable",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/vpc:Vpc",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "aws:ecr/repository:Repository",
        "aws:efs/fileSystem:FileSystem",
        "aws:eks/accessEntry:AccessEntry",
        "aws:eks/addon:Addon",
        "aws:eks/cluster:Cluster",
        "aws:eks/nodeGroup:NodeGroup",
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        "aws:elasticache/parameterGroup:ParameterGroup",
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "aws:elasticache/subnetGroup:SubnetGroup",
        "aws:elasticache/user:User",
        "aws:elasticache/userGroup:UserGroup",
        "aws:iam/role:Role",
        "aws:kms/key:Key",
        "aws:sns/topic:Topic",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    }
)


def fleet_tags(config: FleetConfig, stack: str) -> dict[str, str]:
    """The stack file's own tags, below those by which the fleet is found and paid for."""
    return {**config.tags, "project": PROJECT, STACK_TAG: stack, "tier": config.tier}


def tagged(
    typ: str, properties: Mapping[str, object], tags: Mapping[str, str]
) -> dict[str, object]:
    """Arguments of a resource with the fleet's tags below its own; as they are if it has none."""
    if typ not in TAGGABLE:
        return dict(properties)
    own = properties.get("tags")
    return {**properties, "tags": {**tags, **(own if isinstance(own, Mapping) else {})}}
