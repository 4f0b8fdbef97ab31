"""EC2's security groups and their rules, inline or one by one."""

from functools import partial
from typing import Any

from rehearsal.plugins.aws_provider.deed import Deed
from rehearsal.plugins.aws_provider.network import EC2_TAGS, arn
from rehearsal.plugins.aws_provider.parameters import pascal
from rehearsal.plugins.aws_provider.spec import Call, Spec, Update
from rehearsal.plugins.known import RefusedError
from rehearsal.plugins.stand_in.rules import AutoName

Permission = dict[str, object]
DIRECTIONS = ("ingress", "egress")


def create_group(deed: Deed) -> object:
    """Make the group without the egress rule that AWS gives it: as the official provider."""
    given = deed.resource.inputs
    more = {"VpcId": given["vpcId"]} if given.get("vpcId") else {}
    group = deed.aws.create_security_group(
        GroupName=given["name"], Description=given["description"], **more
    )["GroupId"]
    permissions = _group(deed.of(group))["IpPermissionsEgress"]
    if permissions and more:
        deed.aws.revoke_security_group_egress(GroupId=group, IpPermissions=permissions)
    return group


def set_rules(deed: Deed, direction: str) -> object:
    """Make the group's own rules those asked for."""
    live = "IpPermissions" if direction == "ingress" else "IpPermissionsEgress"
    old = _group(deed)[live]
    if old:
        _change(deed, "revoke", direction)(GroupId=deed.id, IpPermissions=old)
    asked = deed.resource.inputs.get(direction)
    new = [_inline(rule) for rule in asked] if isinstance(asked, list) else []
    if new:
        _change(deed, "authorize", direction)(GroupId=deed.id, IpPermissions=new)
    return None


def create_rule(deed: Deed, direction: str) -> object:
    change = _change(deed, "authorize", direction)
    answer = change(GroupId=deed.text("securityGroupId"), IpPermissions=[_single(deed)])
    return answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]


def modify_rule(deed: Deed) -> object:
    names = "ipProtocol fromPort toPort cidrIpv4 cidrIpv6 prefixListId description"
    given = deed.resource.inputs
    rule = {pascal(name): given[name] for name in names.split() if name in given}
    if given.get("referencedSecurityGroupId"):
        rule["ReferencedGroupId"] = given["referencedSecurityGroupId"]
    return deed.aws.modify_security_group_rules(
        GroupId=deed.text("securityGroupId"),
        SecurityGroupRules=[{"SecurityGroupRuleId": deed.id, "SecurityGroupRule": rule}],
    )


def delete_rule(deed: Deed, direction: str) -> object:
    change = _change(deed, "revoke", direction)
    return change(GroupId=deed.text("securityGroupId"), SecurityGroupRuleIds=[deed.id])


def _change(deed: Deed, verb: str, direction: str) -> Any:  # noqa: ANN401 - a boto3 method
    return getattr(deed.aws, f"{verb}_security_group_{direction}")


def _group(deed: Deed) -> dict[str, list[object]]:
    found: dict[str, list[object]] = deed.aws.describe_security_groups(GroupIds=[deed.id])[
        "SecurityGroups"
    ][0]
    return found


def _ports(given: dict[str, object]) -> Permission:
    """Protocol and ports; AWS wants no ports for every protocol."""
    protocol = str(given.get("ipProtocol", given.get("protocol")))
    ports = {} if protocol == "-1" else {"FromPort": given["fromPort"], "ToPort": given["toPort"]}
    return {"IpProtocol": protocol, **ports}


def _single(deed: Deed) -> Permission:
    given = deed.resource.inputs
    noted = {"Description": given["description"]} if given.get("description") else {}
    sources = {
        "cidrIpv4": ("IpRanges", "CidrIp"),
        "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
        "prefixListId": ("PrefixListIds", "PrefixListId"),
        "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    }
    named = [name for name in sources if given.get(name)]
    if len(named) != 1:
        raise RefusedError(f"a rule has one of {', '.join(sources)}, this one {len(named)}")
    (kind, key), value = sources[named[0]], given[named[0]]
    return {**_ports(given), kind: [{key: value, **noted}]}


def _inline(rule: dict[str, object]) -> Permission:
    noted = {"Description": rule["description"]} if rule.get("description") else {}
    sources = {
        "cidrBlocks": ("IpRanges", "CidrIp"),
        "ipv6CidrBlocks": ("Ipv6Ranges", "CidrIpv6"),
        "prefixListIds": ("PrefixListIds", "PrefixListId"),
        "securityGroups": ("UserIdGroupPairs", "GroupId"),
    }
    known = {"protocol", "fromPort", "toPort", "description", "self", *sources}
    if surplus := sorted(rule.keys() - known):
        raise RefusedError(f"the stand-in knows no {', '.join(surplus)} of a security group's rule")
    found: Permission = _ports(rule)
    for name, (kind, key) in sources.items():
        values = rule.get(name)
        if isinstance(values, list) and values:
            found[kind] = [{key: value, **noted} for value in values]
    return found


def _rule(direction: str) -> Spec:
    title = direction.capitalize()
    return Spec(
        f"aws:vpc/securityGroup{title}Rule:SecurityGroup{title}Rule",
        "ec2",
        create=partial(create_rule, direction=direction),
        read=Call(
            "describe_security_group_rules",
            {"SecurityGroupRuleIds": ["{id}"]},
            "SecurityGroupRules.0",
        ),
        delete=partial(delete_rule, direction=direction),
        replacing="securityGroupId",
        updates=(
            Update(
                "ipProtocol fromPort toPort cidrIpv4 cidrIpv6 prefixListId "
                "referencedSecurityGroupId description",
                modify_rule,
            ),
        ),
        reads={
            "securityGroupId": "GroupId",
            "referencedSecurityGroupId": "ReferencedGroupInfo.GroupId",
        },
        tags=EC2_TAGS,
        outputs={"arn": arn("security-group-rule"), "securityGroupRuleId": "SecurityGroupRuleId"},
    )


SPECS = (
    Spec(
        "aws:ec2/securityGroup:SecurityGroup",
        "ec2",
        create=create_group,
        read=Call("describe_security_groups", {"GroupIds": ["{id}"]}, "SecurityGroups.0"),
        delete=Call("delete_security_group", {"GroupId": "{id}"}),
        replacing="name description vpcId",
        updates=tuple(
            Update(name, partial(set_rules, direction=name), after_creation=True)
            for name in DIRECTIONS
        ),
        silent="revokeRulesOnDelete",
        defaults={"description": "Managed by Pulumi"},
        reads={"name": "GroupName", "ingress": "", "egress": ""},
        auto_name=AutoName(),
        tags=EC2_TAGS,
        outputs={"arn": arn("security-group"), "ownerId": "OwnerId"},
    ),
    _rule("ingress"),
    _rule("egress"),
)
