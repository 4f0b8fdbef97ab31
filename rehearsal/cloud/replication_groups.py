"""ElastiCache: replication groups, whose primary endpoint is the rehearsal's real broker."""

from collections.abc import Mapping

from rehearsal.cloud.broker import BROKER, ServerRefusedError
from rehearsal.cloud.cache_users import apply_users
from rehearsal.cloud.calls import Handler, Request
from rehearsal.cloud.elasticache import (
    GROUPS,
    PARAMETERS,
    SUBNETS,
    USERS,
    described,
    found,
)
from rehearsal.cloud.reading import items, mapping, texts
from rehearsal.cloud.store import STORE, Record, Refusal

PORT = 6379
# Failover needs somebody to take over.
NODES_MIN_FOR_FAILOVER = 2
VERSIONS = {"redis": "7.1.0", "valkey": "8.1.0"}
SECRETS = ("AuthToken",)


def create(request: Request) -> Record:
    key = request.text("ReplicationGroupId")
    record = _completed(request, key, request.given("ApplyImmediately"))
    exists = Refusal("ReplicationGroupAlreadyExists", f"Replication group {key} exists already")
    STORE.add(request.region, GROUPS, key, record, exists)
    try:
        _apply(request, record)
    except (Refusal, ServerRefusedError) as error:
        STORE.drop(request.region, GROUPS, key)
        raise Refusal("InvalidParameterValue", str(error)) from error
    return {"ReplicationGroup": _told(record)}


def modify(request: Request) -> Record:
    key = request.text("ReplicationGroupId")
    old = found(request, GROUPS, key)
    gone = texts(request.parameters.get("UserGroupIdsToRemove"))
    groups = [each for each in texts(old.get("UserGroupIds")) if each not in gone]
    groups += texts(request.parameters.get("UserGroupIdsToAdd"))
    left_out = ("ApplyImmediately", "UserGroupIdsToAdd", "UserGroupIdsToRemove")
    given = {**old, **request.given(*left_out), "UserGroupIds": groups}
    return _kept(request, key, given)


def resize(request: Request) -> Record:
    """Other numbers of replicas: the primary is one node more."""
    key = request.text("ReplicationGroupId")
    nodes = int(request.text("NewReplicaCount")) + 1
    return _kept(request, key, {**found(request, GROUPS, key), "NumCacheClusters": nodes})


def fail_over(request: Request) -> Record:
    """Let the replica take over; answers when it has."""
    record = found(request, GROUPS, request.text("ReplicationGroupId"))
    if record["AutomaticFailover"] != "enabled":
        raise Refusal("InvalidReplicationGroupState", "automatic failover is not enabled")
    try:
        BROKER.fail_over()
    except ServerRefusedError as error:
        raise Refusal("InvalidReplicationGroupState", str(error)) from error
    return {"ReplicationGroup": _told(record)}


def delete(request: Request) -> Record:
    key = request.text("ReplicationGroupId")
    record = found(request, GROUPS, key)
    STORE.drop(request.region, GROUPS, key)
    BROKER.forget()
    return {"ReplicationGroup": _told(record) | {"Status": "deleting"}}


def describe_snapshots(request: Request) -> Record:
    del request
    return {"Snapshots": []}


def _kept(request: Request, key: str, given: Record) -> Record:
    fresh = _completed(request, key, given)
    _apply(request, fresh)

    def change(record: Record) -> None:
        record.clear()
        record.update(fresh)

    return {"ReplicationGroup": _told(STORE.change(request.region, GROUPS, key, change))}


def _completed(request: Request, key: str, given: Record) -> Record:
    """The group as AWS tells of it, above what was asked for; refused where they disagree."""
    nodes = int(str(given.get("NumCacheClusters", 1)))
    if given.get("AutomaticFailoverEnabled") and nodes < NODES_MIN_FOR_FAILOVER:
        told = "Replication group with automatic failover must have at least 2 nodes"
        raise Refusal("InvalidParameterCombination", told)
    if given.get("AuthToken") and not given.get("TransitEncryptionEnabled"):
        told = "The AUTH token is only supported with TransitEncryptionEnabled"
        raise Refusal("InvalidParameterCombination", told)
    for kind, name in ((SUBNETS, "CacheSubnetGroupName"), (PARAMETERS, "CacheParameterGroupName")):
        named = str(given.get(name) or "")
        if named and not named.startswith("default."):
            found(request, kind, named)
    for group in texts(given.get("UserGroupIds")):
        found(request, USERS, group)
    engine = str(given.get("Engine") or "redis")
    host, port = BROKER.address() or (f"{key}.{request.region}.cache.invalid", PORT)
    endpoint = {"Address": host, "Port": port}
    members = [f"{key}-{number:03}" for number in range(1, nodes + 1)]
    return {
        **given,
        "ReplicationGroupId": key,
        "Description": given.get("ReplicationGroupDescription"),
        "ARN": request.arn("elasticache", f"replicationgroup:{key}"),
        "Status": "available",
        "MemberClusters": members,
        "NodeGroups": [_node_group(members, endpoint)],
        "AutomaticFailover": _enabled(given.get("AutomaticFailoverEnabled")),
        "MultiAZ": _enabled(given.get("MultiAZEnabled")),
        "AuthTokenEnabled": bool(given.get("AuthToken")),
        "ClusterEnabled": False,
        "ClusterMode": "disabled",
        "Engine": engine,
        "EngineVersion": str(given.get("EngineVersion") or VERSIONS.get(engine, "")),
    }


def _node_group(members: list[str], endpoint: Mapping[str, object]) -> Record:
    return {
        "NodeGroupId": "0001",
        "Status": "available",
        "PrimaryEndpoint": endpoint,
        "ReaderEndpoint": endpoint,
        "NodeGroupMembers": [
            {
                "CacheClusterId": member,
                "CacheNodeId": "0001",
                "CurrentRole": "replica" if number else "primary",
            }
            for number, member in enumerate(members)
        ],
    }


def _apply(request: Request, record: Record) -> None:
    """Bring the real server to what the group says."""
    name = str(record.get("CacheParameterGroupName") or "")
    if name and not name.startswith("default."):
        parameters = mapping(found(request, PARAMETERS, name)["parameters"])
        BROKER.set_parameters({key: str(value) for key, value in parameters.items()})
    token = str(record.get("AuthToken") or "")
    if token:
        # ElastiCache's AUTH token is the password of the user `default`.
        keep = request.text("AuthTokenUpdateStrategy") == "ROTATE"
        BROKER.set_users({"default": ("on ~* &* +@all", [token])}, keep_passwords=keep)
    for group in texts(record.get("UserGroupIds")):
        apply_users(request, group)
    if record["AutomaticFailover"] == "enabled":
        BROKER.follow()


def _told(record: Mapping[str, object]) -> Record:
    return {name: value for name, value in record.items() if name not in SECRETS}


def _enabled(value: object) -> str:
    return "enabled" if value else "disabled"


def describe_clusters(request: Request) -> Record:
    """The nodes, of which AWS tells what the group itself does not show."""
    wanted = request.text("CacheClusterId")
    nodes = [
        {
            "CacheClusterId": member,
            "ReplicationGroupId": group["ReplicationGroupId"],
            "CacheClusterStatus": "available",
            "CacheSubnetGroupName": group.get("CacheSubnetGroupName"),
            "CacheParameterGroup": {
                "CacheParameterGroupName": group.get("CacheParameterGroupName")
            },
            "SecurityGroups": [
                {"SecurityGroupId": each, "Status": "active"}
                for each in items(group.get("SecurityGroupIds"))
            ],
            "Engine": group["Engine"],
            "EngineVersion": group["EngineVersion"],
            "PreferredMaintenanceWindow": group.get("PreferredMaintenanceWindow"),
        }
        for group in STORE.all(request.region, GROUPS)
        for member in texts(group["MemberClusters"])
        if not wanted or member == wanted
    ]
    if wanted and not nodes:
        raise Refusal("CacheClusterNotFound", f"CacheCluster not found: {wanted}")
    return {"CacheClusters": nodes}


HANDLERS: dict[str, Handler] = {
    "create_replication_group": create,
    "describe_replication_groups": described(GROUPS, "ReplicationGroupId", "ReplicationGroups"),
    "modify_replication_group": modify,
    "increase_replica_count": resize,
    "decrease_replica_count": resize,
    "test_failover": fail_over,
    "delete_replication_group": delete,
    "describe_snapshots": describe_snapshots,
    "describe_cache_clusters": describe_clusters,
}
