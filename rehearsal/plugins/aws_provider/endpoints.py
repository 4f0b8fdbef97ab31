"""EC2's endpoints of AWS services, and flow logs."""

from rehearsal.plugins.aws_provider.deed import Deed
from rehearsal.plugins.aws_provider.network import EC2_TAGS, arn
from rehearsal.plugins.aws_provider.parameters import pascal
from rehearsal.plugins.aws_provider.spec import Call, Spec, Update
from rehearsal.plugins.known import RefusedError


def modify_endpoint(deed: Deed) -> object:
    """Add and remove members; AWS takes differences only."""
    changes: dict[str, object] = {"VpcEndpointId": deed.id}
    for name in ("routeTableIds", "subnetIds", "securityGroupIds"):
        old, new = (_members(each, name) for each in (deed.description, deed.resource.inputs))
        added, removed = sorted(new - old), sorted(old - new)
        title = pascal(name)
        changes |= {f"Add{title}": added} if added else {}
        changes |= {f"Remove{title}": removed} if removed else {}
    if deed.resource.inputs.get("policy"):
        changes["PolicyDocument"] = deed.text("policy")
    if "privateDnsEnabled" in deed.resource.inputs:
        changes["PrivateDnsEnabled"] = deed.resource.inputs["privateDnsEnabled"]
    return deed.aws.modify_vpc_endpoint(**changes)


def _members(given: dict[str, object], name: str) -> set[str]:
    if name == "securityGroupIds" and "Groups" in given:
        groups = given["Groups"]
        return {group["GroupId"] for group in groups} if isinstance(groups, list) else set()
    found = given.get(name, given.get(pascal(name)))
    return set(found) if isinstance(found, list) else set()


def create_flow_log(deed: Deed) -> object:
    given, aws = deed.resource.inputs, deed.aws
    resource, kind = next(
        (deed.text(name), kind)
        for name, kind in (("vpcId", "VPC"), ("subnetId", "Subnet"), ("eniId", "NetworkInterface"))
        if given.get(name)
    )
    names = {
        "trafficType": "TrafficType",
        "logDestinationType": "LogDestinationType",
        "logDestination": "LogDestination",
        "logFormat": "LogFormat",
        "iamRoleArn": "DeliverLogsPermissionArn",
        "maxAggregationInterval": "MaxAggregationInterval",
    }
    more = {aws_name: given[name] for name, aws_name in names.items() if given.get(name)}
    answer = aws.create_flow_logs(ResourceIds=[resource], ResourceType=kind, **more)
    for failed in answer.get("Unsuccessful", []):
        raise RefusedError(f"{failed['Error']['Code']}: {failed['Error']['Message']}")
    return answer["FlowLogIds"][0]


SPECS = (
    Spec(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "ec2",
        create=Call("create_vpc_endpoint", result="VpcEndpoint"),
        id="VpcEndpointId",
        read=Call("describe_vpc_endpoints", {"VpcEndpointIds": ["{id}"]}, "VpcEndpoints.0"),
        delete=Call("delete_vpc_endpoints", {"VpcEndpointIds": ["{id}"]}),
        replacing="vpcId serviceName vpcEndpointType",
        updates=(
            Update(
                "routeTableIds subnetIds securityGroupIds policy privateDnsEnabled", modify_endpoint
            ),
        ),
        renames={"policy": "PolicyDocument"},
        reads={"securityGroupIds": ""},
        documents="policy",
        unordered="routeTableIds subnetIds securityGroupIds",
        tags=EC2_TAGS,
        outputs={
            "arn": arn("vpc-endpoint"),
            "state": "State",
            "ownerId": "OwnerId",
            "networkInterfaceIds": "NetworkInterfaceIds",
        },
        ready=("State", ("available",)),
        gone=("State", ("deleted",)),
    ),
    Spec(
        "aws:ec2/flowLog:FlowLog",
        "ec2",
        create=create_flow_log,
        read=Call("describe_flow_logs", {"FlowLogIds": ["{id}"]}, "FlowLogs.0"),
        delete=Call("delete_flow_logs", {"FlowLogIds": ["{id}"]}),
        replacing="vpcId subnetId eniId trafficType logDestinationType logDestination logFormat "
        "iamRoleArn maxAggregationInterval",
        defaults={"logDestinationType": "cloud-watch-logs", "maxAggregationInterval": 600},
        reads={"iamRoleArn": "DeliverLogsPermissionArn"},
        tags=EC2_TAGS,
        outputs={"arn": arn("vpc-flow-log")},
    ),
)
