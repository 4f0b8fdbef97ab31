"""ElastiCache: what a replication group is made of."""

from rehearsal.plugins.aws_provider.calling import structured
from rehearsal.plugins.aws_provider.deed import Deed
from rehearsal.plugins.aws_provider.spec import Call, Spec, Tagging, Update
from rehearsal.plugins.stand_in.kind import Properties
from rehearsal.plugins.stand_in.rules import AutoName

RESOURCE = {"ResourceName": "{arn}"}
TAGS = Tagging(
    Call("add_tags_to_resource", RESOURCE),
    Call("remove_tags_from_resource", RESOURCE),
    Call("list_tags_for_resource", RESOURCE),
    "TagList",
)
SUBNETS = {"CacheSubnetGroupName": "{id}"}
PARAMETERS = {"CacheParameterGroupName": "{id}"}
USER, USERS = {"UserId": "{id}"}, {"UserGroupId": "{id}"}
MANAGED = {"description": "Managed by Pulumi"}
USER_FIELDS = "accessString passwords noPasswordRequired authenticationMode engine"


def described_subnets(deed: Deed) -> object:
    groups = deed.aws.describe_cache_subnet_groups(CacheSubnetGroupName=deed.id)
    group = groups["CacheSubnetGroups"][0]
    return group | {"subnetIds": [subnet["SubnetIdentifier"] for subnet in group["Subnets"]]}


def described_parameters(deed: Deed) -> object:
    groups = deed.aws.describe_cache_parameter_groups(CacheParameterGroupName=deed.id)
    pages = deed.aws.get_paginator("describe_cache_parameters").paginate(
        CacheParameterGroupName=deed.id, Source="user"
    )
    parameters = [
        {"name": found["ParameterName"], "value": found["ParameterValue"]}
        for page in pages
        for found in page["Parameters"]
    ]
    return groups["CacheParameterGroups"][0] | {"parameters": parameters}


def set_parameters(deed: Deed) -> object:
    """Set the parameters asked for, and reset those no longer asked for."""
    old, new = (_values(each.get("parameters")) for each in (deed.description, _asked(deed)))
    fresh = [
        {"ParameterName": name, "ParameterValue": value}
        for name, value in new.items()
        if old.get(name) != value
    ]
    gone = [{"ParameterName": name, "ParameterValue": old[name]} for name in old if name not in new]
    named = {"CacheParameterGroupName": deed.id}
    if gone:
        deed.aws.reset_cache_parameter_group(**named, ParameterNameValues=gone)
    if fresh:
        deed.aws.modify_cache_parameter_group(**named, ParameterNameValues=fresh)
    return None


def set_members(deed: Deed) -> object:
    old, new = (_texts(each) for each in (deed.description.get("UserIds"), _asked(deed)["userIds"]))
    added, removed = sorted(new - old), sorted(old - new)
    changes: Properties = {"UserIdsToAdd": added} if added else {}
    changes |= {"UserIdsToRemove": removed} if removed else {}
    return deed.aws.modify_user_group(UserGroupId=deed.id, **changes) if changes else None


def join(deed: Deed) -> object:
    group, user = deed.text("userGroupId"), deed.text("userId")
    deed.aws.modify_user_group(UserGroupId=group, UserIdsToAdd=[user])
    return f"{group},{user}"


def membership(deed: Deed) -> object:
    """What a member is told by: its group and itself; None of one that is not in it."""
    group, user = deed.id.split(",")
    found = deed.aws.describe_user_groups(UserGroupId=group)["UserGroups"][0]
    return {"UserGroupId": group, "UserId": user} if user in found["UserIds"] else None


def leave(deed: Deed) -> object:
    group, user = deed.id.split(",")
    return deed.aws.modify_user_group(UserGroupId=group, UserIdsToRemove=[user])


def set_user(deed: Deed) -> object:
    given = {name: _asked(deed)[name] for name in USER_FIELDS.split() if name in _asked(deed)}
    found = structured(deed, "modify_user", given, {})
    return deed.aws.modify_user(UserId=deed.id, **found)


def _asked(deed: Deed) -> Properties:
    return deed.resource.inputs


def _values(parameters: object) -> dict[str, str]:
    found = parameters if isinstance(parameters, list) else []
    return {str(each["name"]): str(each["value"]) for each in found}


def _texts(value: object) -> set[str]:
    return set(value) if isinstance(value, list) else set()


SPECS = (
    Spec(
        "aws:elasticache/subnetGroup:SubnetGroup",
        "elasticache",
        create=Call("create_cache_subnet_group"),
        id="{name}",
        read=described_subnets,
        delete=Call("delete_cache_subnet_group", SUBNETS),
        replacing="name",
        updates=(
            Update("description subnetIds", Call("modify_cache_subnet_group", SUBNETS), whole=True),
        ),
        defaults=MANAGED,
        renames={"name": "CacheSubnetGroupName", "description": "CacheSubnetGroupDescription"},
        unordered="subnetIds",
        auto_name=AutoName(),
        tags=TAGS,
        outputs={
            "arn": "arn:aws:elasticache:{region}:{account}:subnetgroup:{id}",
            "vpcId": "VpcId",
        },
    ),
    Spec(
        "aws:elasticache/parameterGroup:ParameterGroup",
        "elasticache",
        create=Call("create_cache_parameter_group"),
        id="{name}",
        read=described_parameters,
        delete=Call("delete_cache_parameter_group", PARAMETERS),
        replacing="name family description",
        updates=(Update("parameters", set_parameters),),
        defaults=MANAGED,
        renames={"name": "CacheParameterGroupName", "family": "CacheParameterGroupFamily"},
        unordered="parameters",
        auto_name=AutoName(),
        tags=TAGS,
        outputs={"arn": "arn:aws:elasticache:{region}:{account}:parametergroup:{id}"},
    ),
    Spec(
        "aws:elasticache/user:User",
        "elasticache",
        create=Call("create_user"),
        id="{userId}",
        read=Call("describe_users", USER, "Users.0"),
        delete=Call("delete_user", USER),
        replacing="userId userName",
        updates=(Update(USER_FIELDS, set_user),),
        reads=dict.fromkeys(("passwords", "noPasswordRequired", "authenticationMode"), ""),
        secrets="passwords",
        tags=TAGS,
        outputs={"arn": "arn:aws:elasticache:{region}:{account}:user:{id}"},
        ready=("Status", ("active",)),
    ),
    Spec(
        "aws:elasticache/userGroup:UserGroup",
        "elasticache",
        create=Call("create_user_group"),
        id="{userGroupId}",
        read=Call("describe_user_groups", USERS, "UserGroups.0"),
        delete=Call("delete_user_group", USERS),
        replacing="userGroupId engine",
        updates=(Update("userIds", set_members),),
        unordered="userIds",
        tags=TAGS,
        outputs={"arn": "arn:aws:elasticache:{region}:{account}:usergroup:{id}"},
        ready=("Status", ("active",)),
    ),
    Spec(
        "aws:elasticache/userGroupAssociation:UserGroupAssociation",
        "elasticache",
        create=join,
        read=membership,
        delete=leave,
        replacing="userGroupId userId",
    ),
)
