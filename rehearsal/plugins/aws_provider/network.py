"""EC2's networks: VPCs, subnets, gateways, addresses."""

from rehearsal.plugins.aws_provider.deed import Deed
from rehearsal.plugins.aws_provider.parameters import pascal
from rehearsal.plugins.aws_provider.spec import Call, Spec, Tagging, Update

EC2_TAGS = Tagging(
    Call("create_tags", {"Resources": ["{id}"]}), Call("delete_tags", {"Resources": ["{id}"]})
)


def arn(kind: str) -> str:
    return f"arn:aws:ec2:{{region}}:{{account}}:{kind}/{{id}}"


def described_vpc(deed: Deed) -> object:
    vpc = deed.aws.describe_vpcs(VpcIds=[deed.id])["Vpcs"][0]
    mine = [{"Name": "vpc-id", "Values": [deed.id]}]
    groups = deed.aws.describe_security_groups(
        Filters=[*mine, {"Name": "group-name", "Values": ["default"]}]
    )["SecurityGroups"]
    tables = deed.aws.describe_route_tables(
        Filters=[*mine, {"Name": "association.main", "Values": ["true"]}]
    )["RouteTables"]
    for name in ("enableDnsSupport", "enableDnsHostnames"):
        answer = deed.aws.describe_vpc_attribute(VpcId=deed.id, Attribute=name)
        vpc[name] = answer[pascal(name)]["Value"]
    return vpc | {"group": groups[0] if groups else {}, "table": tables[0] if tables else {}}


def attach(deed: Deed) -> object:
    """Attach the gateway to the VPC asked for, and to no other."""
    detach(deed, deed.description.get("Attachments") or [])
    if deed.resource.inputs.get("vpcId"):
        deed.aws.attach_internet_gateway(InternetGatewayId=deed.id, VpcId=deed.text("vpcId"))
    return None


def detach(deed: Deed, attachments: object) -> None:
    """Detach the gateway from all that it is attached to."""
    for attachment in attachments if isinstance(attachments, list) else []:
        deed.aws.detach_internet_gateway(InternetGatewayId=deed.id, VpcId=attachment["VpcId"])


def end_gateway(deed: Deed) -> object:
    found = deed.aws.describe_internet_gateways(InternetGatewayIds=[deed.id])["InternetGateways"]
    detach(deed, found[0]["Attachments"])
    return deed.aws.delete_internet_gateway(InternetGatewayId=deed.id)


SPECS = (
    Spec(
        "aws:ec2/vpc:Vpc",
        "ec2",
        create=Call("create_vpc", result="Vpc"),
        id="VpcId",
        read=described_vpc,
        delete=Call("delete_vpc", {"VpcId": "{id}"}),
        replacing="cidrBlock instanceTenancy",
        updates=(
            Update(
                "enableDnsSupport enableDnsHostnames",
                Call("modify_vpc_attribute", {"VpcId": "{id}"}),
                each=True,
            ),
        ),
        defaults={"enableDnsSupport": True, "instanceTenancy": "default"},
        tags=EC2_TAGS,
        outputs={
            "arn": arn("vpc"),
            "ownerId": "OwnerId",
            "defaultSecurityGroupId": "group.GroupId",
            "mainRouteTableId": "table.RouteTableId",
            "defaultRouteTableId": "table.RouteTableId",
        },
        ready=("State", ("available",)),
    ),
    Spec(
        "aws:ec2/subnet:Subnet",
        "ec2",
        create=Call("create_subnet", result="Subnet"),
        id="SubnetId",
        read=Call("describe_subnets", {"SubnetIds": ["{id}"]}, "Subnets.0"),
        delete=Call("delete_subnet", {"SubnetId": "{id}"}),
        replacing="vpcId cidrBlock availabilityZone availabilityZoneId",
        updates=(
            Update(
                "mapPublicIpOnLaunch assignIpv6AddressOnCreation",
                Call("modify_subnet_attribute", {"SubnetId": "{id}"}),
                each=True,
            ),
        ),
        tags=EC2_TAGS,
        outputs={
            "arn": arn("subnet"),
            "ownerId": "OwnerId",
            "availabilityZone": "AvailabilityZone",
            "availabilityZoneId": "AvailabilityZoneId",
        },
        ready=("State", ("available",)),
    ),
    Spec(
        "aws:ec2/internetGateway:InternetGateway",
        "ec2",
        create=Call("create_internet_gateway", result="InternetGateway"),
        id="InternetGatewayId",
        read=Call(
            "describe_internet_gateways", {"InternetGatewayIds": ["{id}"]}, "InternetGateways.0"
        ),
        delete=end_gateway,
        updates=(Update("vpcId", attach),),
        reads={"vpcId": "Attachments.0.VpcId"},
        tags=EC2_TAGS,
        outputs={"arn": arn("internet-gateway"), "ownerId": "OwnerId"},
    ),
    Spec(
        "aws:ec2/eip:Eip",
        "ec2",
        create=Call("allocate_address"),
        id="AllocationId",
        read=Call("describe_addresses", {"AllocationIds": ["{id}"]}, "Addresses.0"),
        delete=Call("release_address", {"AllocationId": "{id}"}),
        replacing="domain",
        tags=EC2_TAGS,
        outputs={
            "arn": arn("elastic-ip"),
            "allocationId": "AllocationId",
            "publicIp": "PublicIp",
            "associationId": "AssociationId",
        },
    ),
    Spec(
        "aws:ec2/natGateway:NatGateway",
        "ec2",
        create=Call("create_nat_gateway", result="NatGateway"),
        id="NatGatewayId",
        read=Call("describe_nat_gateways", {"NatGatewayIds": ["{id}"]}, "NatGateways.0"),
        delete=Call("delete_nat_gateway", {"NatGatewayId": "{id}"}),
        replacing="subnetId allocationId connectivityType",
        reads={"allocationId": "NatGatewayAddresses.0.AllocationId"},
        tags=EC2_TAGS,
        outputs={"publicIp": "NatGatewayAddresses.0.PublicIp"},
        ready=("State", ("available",)),
        gone=("State", ("deleted",)),
    ),
)
