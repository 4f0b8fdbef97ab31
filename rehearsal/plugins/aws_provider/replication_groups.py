"""ElastiCache: replication groups, cluster mode off."""

from collections.abc import Mapping

from rehearsal.plugins.aws_provider.calling import structured
from rehearsal.plugins.aws_provider.deed import Deed
from rehearsal.plugins.aws_provider.descriptions import found_at
from rehearsal.plugins.aws_provider.elasticache import TAGS
from rehearsal.plugins.aws_provider.spec import Spec, Update
from rehearsal.plugins.stand_in.kind import Properties

RENAMES = {
    "description": "ReplicationGroupDescription",
    "nodeType": "CacheNodeType",
    "parameterGroupName": "CacheParameterGroupName",
    "subnetGroupName": "CacheSubnetGroupName",
    "maintenanceWindow": "PreferredMaintenanceWindow",
}
CHANGEABLE = (
    "description authToken autoMinorVersionUpgrade automaticFailoverEnabled engine "
    "engineVersion ipDiscovery maintenanceWindow multiAzEnabled nodeType notificationTopicArn "
    "parameterGroupName securityGroupIds snapshotRetentionLimit snapshotWindow "
    "transitEncryptionMode logDeliveryConfigurations"
)
FIXED = (
    "replicationGroupId atRestEncryptionEnabled kmsKeyId subnetGroupName port "
    "transitEncryptionEnabled snapshotArns snapshotName dataTieringEnabled networkType "
    "preferredCacheClusterAzs"
)
# Told in another form, or not at all; the port is the real server's, whatever was asked for.
UNTOLD = (
    "authToken engineVersion notificationTopicArn port preferredCacheClusterAzs snapshotArns "
    "snapshotName logDeliveryConfigurations"
)
DESCRIBED = "subnetGroupName parameterGroupName maintenanceWindow securityGroupIds"


def create(deed: Deed) -> object:
    names = f"{FIXED} {CHANGEABLE} numCacheClusters userGroupIds tags".split()
    deed.aws.create_replication_group(**_given(deed, names, "create_replication_group"))
    return deed.text("replicationGroupId")


def described(deed: Deed) -> object:
    answer = deed.aws.describe_replication_groups(ReplicationGroupId=deed.id)
    group = answer["ReplicationGroups"][0]
    node = deed.aws.describe_cache_clusters(CacheClusterId=group["MemberClusters"][0])
    return {**group, **_told(group), **_told_by_node(node["CacheClusters"][0])}


def _told(group: Properties) -> Properties:
    members = group.get("MemberClusters")
    return {
        "automaticFailoverEnabled": group.get("AutomaticFailover") == "enabled",
        "multiAzEnabled": group.get("MultiAZ") == "enabled",
        "nodes": len(members) if isinstance(members, list) else 0,
    }


def _told_by_node(node: Properties) -> Properties:
    """What the group itself does not show."""
    groups = node.get("SecurityGroups")
    return {
        "version": node.get("EngineVersion"),
        "subnetGroupName": node.get("CacheSubnetGroupName"),
        "parameterGroupName": found_at(node, "CacheParameterGroup.CacheParameterGroupName"),
        "maintenanceWindow": node.get("PreferredMaintenanceWindow"),
        "securityGroupIds": [
            each["SecurityGroupId"] for each in (groups if isinstance(groups, list) else [])
        ],
    }


def modify(deed: Deed) -> object:
    """Send what changed; an AUTH token goes with how it comes to be valid."""
    old, new = deed.resource.old_inputs, deed.resource.inputs
    names = [name for name in CHANGEABLE.split() if old.get(name) != new.get(name)]
    strategy = {"AuthTokenUpdateStrategy": new.get("authTokenUpdateStrategy", "ROTATE")}
    more = strategy if "authToken" in names else {}
    given = _given(deed, names, "modify_replication_group") | more
    return deed.aws.modify_replication_group(
        ReplicationGroupId=deed.id, ApplyImmediately=_is_at_once(deed), **given
    )


def resize(deed: Deed) -> object:
    before, after = (
        int(str(each.get("numCacheClusters", 1)))
        for each in (deed.resource.old_inputs, deed.resource.inputs)
    )
    grow, shrink = deed.aws.increase_replica_count, deed.aws.decrease_replica_count
    change = grow if after > before else shrink
    return change(ReplicationGroupId=deed.id, NewReplicaCount=after - 1, ApplyImmediately=True)


def set_user_groups(deed: Deed) -> object:
    old, new = (
        {str(each) for each in found} if isinstance(found, list) else set[str]()
        for found in (deed.description.get("UserGroupIds"), deed.resource.inputs["userGroupIds"])
    )
    changes: Properties = {"UserGroupIdsToAdd": sorted(new - old)} if new - old else {}
    changes |= {"UserGroupIdsToRemove": sorted(old - new)} if old - new else {}
    return deed.aws.modify_replication_group(
        ReplicationGroupId=deed.id, ApplyImmediately=True, **changes
    )


def delete(deed: Deed) -> object:
    snapshot = deed.resource.old_inputs.get("finalSnapshotIdentifier")
    more = {"FinalSnapshotIdentifier": snapshot} if snapshot else {}
    return deed.aws.delete_replication_group(ReplicationGroupId=deed.id, **more)


def modes(given: Mapping[str, object]) -> Mapping[str, str]:
    """What would be another thing altogether, and is no broker for kombu either."""
    found: dict[str, str] = {}
    for name in ("clusterMode", "numNodeGroups", "replicasPerNodeGroup"):
        if given.get(name) not in (None, "disabled"):
            found[name] = "the stand-in runs one server: no cluster mode"
    return found


def _given(deed: Deed, names: list[str], method: str) -> Properties:
    inputs = deed.resource.inputs
    given: Properties = {name: inputs[name] for name in names if inputs.get(name) is not None}
    logs = given.get("logDeliveryConfigurations")
    if isinstance(logs, list):
        given["logDeliveryConfigurations"] = [_log(log) for log in logs]
    return structured(deed, method, given, RENAMES)


def _log(given: Properties) -> Properties:
    """Where a log goes: AWS nests what Pulumi has flat."""
    kinds = {"cloudwatch-logs": ("cloudWatchLogsDetails", "logGroup")}
    kinds["kinesis-firehose"] = ("kinesisFirehoseDetails", "deliveryStream")
    details, name = kinds[str(given["destinationType"])]
    rest = {key: value for key, value in given.items() if key != "destination"}
    return rest | {"destinationDetails": {details: {name: given["destination"]}}}


def _is_at_once(deed: Deed) -> bool:
    return bool(deed.resource.inputs.get("applyImmediately", True))


SPECS = (
    Spec(
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "elasticache",
        create=create,
        read=described,
        delete=delete,
        replacing=FIXED,
        updates=(
            Update(CHANGEABLE, modify),
            Update("numCacheClusters", resize),
            Update("userGroupIds", set_user_groups),
        ),
        silent="applyImmediately finalSnapshotIdentifier authTokenUpdateStrategy clusterMode "
        "numNodeGroups replicasPerNodeGroup",
        renames={"nodeType": "CacheNodeType"},
        reads=dict.fromkeys(UNTOLD.split(), "")
        | {name: name for name in DESCRIBED.split()}
        | {"numCacheClusters": "nodes"},
        secrets="authToken",
        unordered="securityGroupIds userGroupIds",
        tags=TAGS,
        outputs={
            "arn": "ARN",
            "primaryEndpointAddress": "NodeGroups.0.PrimaryEndpoint.Address",
            "readerEndpointAddress": "NodeGroups.0.ReaderEndpoint.Address",
            "port": "NodeGroups.0.PrimaryEndpoint.Port",
            "memberClusters": "MemberClusters",
            "clusterEnabled": "ClusterEnabled",
            "engineVersionActual": "version",
            "numCacheClusters": "nodes",
        },
        ready=("Status", ("available",)),
        problems=modes,
    ),
)
