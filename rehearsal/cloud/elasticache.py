"""ElastiCache: subnet groups and parameter groups, and what every part of it shares."""

from collections.abc import Callable, Mapping

from rehearsal.cloud import networks
from rehearsal.cloud.broker import BROKER, ServerRefusedError
from rehearsal.cloud.calls import Handler, Request
from rehearsal.cloud.reading import items, mapping, texts
from rehearsal.cloud.store import STORE, Record, Refusal

SUBNETS, PARAMETERS = "subnet group", "parameter group"
USER, USERS = "user", "user group"
GROUPS = "replication group"


def found(request: Request, kind: str, key: str) -> Record:
    return request.find(kind, key, Refusal(NOT_FOUND[kind], f"{key} is no {kind}"))


def described(kind: str, parameter: str, answer: str) -> Handler:
    """The call that tells of one, or of all."""

    def describe(request: Request) -> Record:
        key = request.text(parameter)
        records = [found(request, kind, key)] if key else STORE.all(request.region, kind)
        return {answer: records}

    return describe


def added(request: Request, kind: str, key: str, record: Record) -> Record:
    exists = Refusal(ALREADY[kind], f"{key} is a {kind} already")
    return STORE.add(request.region, kind, key, record, exists)


def dropped(kind: str, parameter: str, used_by: Callable[[Record], object]) -> Handler:
    """The call that ends one, which no replication group may use any more."""

    def drop(request: Request) -> Record:
        key = request.text(parameter)
        record = found(request, kind, key)
        for group in STORE.all(request.region, GROUPS):
            if key in texts(used_by(group)):
                told = f"{key} is used by replication group {group['ReplicationGroupId']}"
                raise Refusal(IN_USE[kind], told)
        STORE.drop(request.region, kind, key)
        return record

    return drop


def create_subnet_group(request: Request) -> Record:
    key = request.text("CacheSubnetGroupName")
    return {"CacheSubnetGroup": added(request, SUBNETS, key, _subnets(request, key))}


def modify_subnet_group(request: Request) -> Record:
    key = request.text("CacheSubnetGroupName")
    found(request, SUBNETS, key)
    fresh = _subnets(request, key)
    fresh.pop("Tags", None)
    changed = STORE.change(request.region, SUBNETS, key, lambda record: record.update(fresh))
    return {"CacheSubnetGroup": changed}


def _subnets(request: Request, key: str) -> Record:
    subnets = networks.subnets(request, texts(request.parameters.get("SubnetIds")))
    told = [
        {"SubnetIdentifier": each.id, "SubnetAvailabilityZone": {"Name": each.zone}}
        for each in subnets
    ]
    arn = request.arn("elasticache", f"subnetgroup:{key}")
    return {**request.given("SubnetIds"), "Subnets": told, "VpcId": subnets[0].vpc, "ARN": arn}


def create_parameter_group(request: Request) -> Record:
    key = request.text("CacheParameterGroupName")
    arn = request.arn("elasticache", f"parametergroup:{key}")
    record = {**request.given(), "IsGlobal": False, "ARN": arn, "parameters": {}}
    return {"CacheParameterGroup": added(request, PARAMETERS, key, record)}


def modify_parameters(request: Request) -> Record:
    pairs = (mapping(each) for each in items(request.parameters["ParameterNameValues"]))
    fresh = {str(pair["ParameterName"]): str(pair["ParameterValue"]) for pair in pairs}
    return _parameters(request, lambda old: {**old, **fresh})


def reset_parameters(request: Request) -> Record:
    pairs = (mapping(each) for each in items(request.parameters.get("ParameterNameValues")))
    gone = {str(pair["ParameterName"]) for pair in pairs}
    is_all = bool(request.parameters.get("ResetAllParameters"))
    return _parameters(request, lambda old: {k: old[k] for k in old.keys() - gone if not is_all})


def _parameters(
    request: Request, change: Callable[[Mapping[str, object]], Mapping[str, object]]
) -> Record:
    """Set parameters, as long as a real server takes them."""
    key = request.text("CacheParameterGroupName")
    record = found(request, PARAMETERS, key)
    fresh = dict(change(mapping(record["parameters"])))
    try:
        BROKER.check_parameters({name: str(value) for name, value in fresh.items()})
    except ServerRefusedError as error:
        raise Refusal("InvalidParameterValue", str(error)) from error
    STORE.change(request.region, PARAMETERS, key, lambda old: old.update(parameters=fresh))
    for group in STORE.all(request.region, GROUPS):
        if group.get("CacheParameterGroupName") == key:
            BROKER.set_parameters({name: str(value) for name, value in fresh.items()})
    return {"CacheParameterGroupName": key}


def describe_parameters(request: Request) -> Record:
    record = found(request, PARAMETERS, request.text("CacheParameterGroupName"))
    source = request.text("Source") or "user"
    pairs = mapping(record["parameters"]).items() if source == "user" else ()
    told = [{"ParameterName": k, "ParameterValue": v, "Source": "user"} for k, v in pairs]
    return {"Parameters": told}


NOT_FOUND = {
    SUBNETS: "CacheSubnetGroupNotFoundFault",
    PARAMETERS: "CacheParameterGroupNotFound",
    USER: "UserNotFound",
    USERS: "UserGroupNotFound",
    GROUPS: "ReplicationGroupNotFoundFault",
}
ALREADY = {
    SUBNETS: "CacheSubnetGroupAlreadyExists",
    PARAMETERS: "CacheParameterGroupAlreadyExists",
    USER: "UserAlreadyExists",
    USERS: "UserGroupAlreadyExists",
    GROUPS: "ReplicationGroupAlreadyExists",
}
IN_USE = {
    SUBNETS: "CacheSubnetGroupInUse",
    PARAMETERS: "InvalidCacheParameterGroupState",
    USERS: "InvalidUserGroupState",
}
HANDLERS: dict[str, Handler] = {
    "create_cache_subnet_group": create_subnet_group,
    "modify_cache_subnet_group": modify_subnet_group,
    "describe_cache_subnet_groups": described(SUBNETS, "CacheSubnetGroupName", "CacheSubnetGroups"),
    "delete_cache_subnet_group": dropped(
        SUBNETS, "CacheSubnetGroupName", lambda group: [group.get("CacheSubnetGroupName")]
    ),
    "create_cache_parameter_group": create_parameter_group,
    "modify_cache_parameter_group": modify_parameters,
    "reset_cache_parameter_group": reset_parameters,
    "describe_cache_parameters": describe_parameters,
    "describe_cache_parameter_groups": described(
        PARAMETERS, "CacheParameterGroupName", "CacheParameterGroups"
    ),
    "delete_cache_parameter_group": dropped(
        PARAMETERS, "CacheParameterGroupName", lambda group: [group.get("CacheParameterGroupName")]
    ),
}
