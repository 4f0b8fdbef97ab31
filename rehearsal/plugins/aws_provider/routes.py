"""EC2's route tables, their routes and what they are tied to."""

import hashlib

from rehearsal.plugins.aws_provider.deed import Deed
from rehearsal.plugins.aws_provider.network import EC2_TAGS, arn
from rehearsal.plugins.aws_provider.parameters import pascal
from rehearsal.plugins.aws_provider.spec import Call, Spec, Update
from rehearsal.plugins.known import RefusedError

ROUTE_TARGETS = "gatewayId natGatewayId networkInterfaceId vpcEndpointId transitGatewayId"


def route_parameters(deed: Deed) -> dict[str, str]:
    names = ("routeTableId", "destinationCidrBlock", *ROUTE_TARGETS.split())
    given = deed.resource.inputs
    return {pascal(name): str(given[name]) for name in names if given.get(name)}


def create_route(deed: Deed) -> object:
    deed.aws.create_route(**route_parameters(deed))
    digest = hashlib.sha256(deed.text("destinationCidrBlock").encode()).hexdigest()[:10]
    return f"r-{deed.text('routeTableId')}{digest}"


def described_route(deed: Deed) -> object:
    table = deed.aws.describe_route_tables(RouteTableIds=[deed.text("routeTableId")])
    wanted = deed.text("destinationCidrBlock")
    routes = table["RouteTables"][0]["Routes"]
    return next((one for one in routes if one.get("DestinationCidrBlock") == wanted), None)


def set_routes(deed: Deed) -> object:
    """Make the table's own routes those asked for."""
    kept = {"RouteTableId": deed.id}
    old, new = (_routes(each) for each in (deed.resource.old_inputs, deed.resource.inputs))
    for cidr in old.keys() - new.keys():
        deed.aws.delete_route(**kept, DestinationCidrBlock=cidr)
    for cidr, target in new.items():
        change = deed.aws.replace_route if cidr in old else deed.aws.create_route
        change(**kept, DestinationCidrBlock=cidr, **target)
    return None


def _routes(given: dict[str, object]) -> dict[str, dict[str, str]]:
    routes = given.get("routes")
    found: dict[str, dict[str, str]] = {}
    for route in routes if isinstance(routes, list) else []:
        target = {name: str(route[name]) for name in ROUTE_TARGETS.split() if route.get(name)}
        if not route.get("cidrBlock") or len(target) != 1 or len(route) > len(target) + 1:
            raise RefusedError(f"routes: a route has a cidrBlock and one of {ROUTE_TARGETS}")
        found[str(route["cidrBlock"])] = {pascal(n): v for n, v in target.items()}
    return found


def described_association(deed: Deed) -> object:
    wanted = [{"Name": "association.route-table-association-id", "Values": [deed.id]}]
    for table in deed.aws.describe_route_tables(Filters=wanted)["RouteTables"]:
        for association in table["Associations"]:
            if association["RouteTableAssociationId"] == deed.id:
                return association
    return None


SPECS = (
    Spec(
        "aws:ec2/routeTable:RouteTable",
        "ec2",
        create=Call("create_route_table", result="RouteTable"),
        id="RouteTableId",
        read=Call("describe_route_tables", {"RouteTableIds": ["{id}"]}, "RouteTables.0"),
        delete=Call("delete_route_table", {"RouteTableId": "{id}"}),
        replacing="vpcId",
        updates=(Update("routes", set_routes),),
        reads={"routes": ""},
        tags=EC2_TAGS,
        outputs={"arn": arn("route-table"), "ownerId": "OwnerId"},
    ),
    Spec(
        "aws:ec2/route:Route",
        "ec2",
        create=create_route,
        read=described_route,
        delete=Call(
            "delete_route",
            {"RouteTableId": "{routeTableId}", "DestinationCidrBlock": "{destinationCidrBlock}"},
        ),
        replacing="routeTableId destinationCidrBlock",
        updates=(
            Update(
                ROUTE_TARGETS,
                lambda deed: deed.aws.replace_route(**route_parameters(deed)),
            ),
        ),
        outputs={"origin": "Origin", "state": "State"},
        delete_first=True,
    ),
    Spec(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "ec2",
        create=Call("associate_route_table"),
        id="AssociationId",
        read=described_association,
        delete=Call("disassociate_route_table", {"AssociationId": "{id}"}),
        # The official provider changes the table in place, and the id with it.
        replacing="routeTableId subnetId gatewayId",
        delete_first=True,
    ),
)
