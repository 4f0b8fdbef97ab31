"""The VPC: subnets over zones, ways out, endpoints, flow logs."""

# Annotations that are not run leave whole services of the SDK unread: seconds of every run.
from __future__ import annotations

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_aws import cloudwatch, ec2

from infra.components.aws.access import grant
from infra.components.aws.placement import NetworkRuntime, Place
from infra.manifests.aws import policies
from infra.models.network import ExistingNetwork, NewNetwork, ZoneSubnets, zone_subnets

_ANYWHERE = "0.0.0.0/0"


def network(place: Place, data_key_arn: Output[str]) -> NetworkRuntime:
    """The stack's own VPC, or the one that it is told of."""
    spec = place.config.network
    if isinstance(spec, NewNetwork):
        return Network(place, spec, data_key_arn).runtime
    if not isinstance(spec, ExistingNetwork):
        raise TypeError("network is missing; the model refuses that")
    subnets = [Output.from_input(subnet) for subnet in spec.private_subnet_ids]
    return NetworkRuntime(Output.from_input(spec.vpc_id), subnets, [])


class Network(ComponentResource):
    """VPC with a public and a private subnet a zone; only NAT gateways have public addresses."""

    def __init__(self, place: Place, spec: NewNetwork, data_key_arn: Output[str]) -> None:
        super().__init__("celery-fleet:aws:Network", "network", None, place.opts)
        self._place, self._spec = place, spec
        self._child = ResourceOptions(parent=self)
        self._vpc = ec2.Vpc(
            "vpc",
            cidr_block=spec.cidr,
            # EKS' private endpoint and the interface endpoints are found by name.
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": place.config.namespace},
            opts=self._child,
        )
        zones = dict(zip(spec.zones, zone_subnets(spec), strict=True))
        public = self._public(zones)
        nat = self._nat(public)
        private, tables = self._private(zones, nat)
        self._endpoints(list(private.values()), tables)
        self._flow_logs(data_key_arn)
        self.runtime = NetworkRuntime(
            self._vpc.id, [subnet.id for subnet in private.values()], [self]
        )
        self.register_outputs({"vpcId": self._vpc.id})

    def _public(self, zones: dict[str, ZoneSubnets]) -> dict[str, ec2.Subnet]:
        gateway = ec2.InternetGateway("internet", vpc_id=self._vpc.id, opts=self._child)
        table = ec2.RouteTable(
            "public",
            vpc_id=self._vpc.id,
            routes=[{"cidr_block": _ANYWHERE, "gateway_id": gateway.id}],
            opts=self._child,
        )
        subnets = {}
        for zone, ranges in zones.items():
            role_tag = {"kubernetes.io/role/elb": "1"}
            subnets[zone] = self._subnet("public", zone, str(ranges.public), table, role_tag)
        return subnets

    def _nat(self, public: dict[str, ec2.Subnet]) -> dict[str, ec2.NatGateway]:
        """NAT gateway by zone; one and the same of all zones where there is a single one."""
        own = list(public) if self._spec.nat == "zone" else list(public)[:1]
        made = {}
        for zone in own:
            address = ec2.Eip(f"nat-{zone}", domain="vpc", opts=self._child)
            made[zone] = ec2.NatGateway(
                f"nat-{zone}",
                allocation_id=address.id,
                subnet_id=public[zone].id,
                opts=self._child,
            )
        return {zone: made.get(zone, made[own[0]]) for zone in public}

    def _private(
        self, zones: dict[str, ZoneSubnets], nat: dict[str, ec2.NatGateway]
    ) -> tuple[dict[str, ec2.Subnet], list[ec2.RouteTable]]:
        tables: dict[str, ec2.RouteTable] = {}
        subnets = {}
        for zone, ranges in zones.items():
            shared = next(other for other in zones if nat[other] is nat[zone])
            if shared not in tables:
                tables[shared] = ec2.RouteTable(
                    f"private-{shared}",
                    vpc_id=self._vpc.id,
                    routes=[{"cidr_block": _ANYWHERE, "nat_gateway_id": nat[shared].id}],
                    opts=self._child,
                )
            role_tag = {"kubernetes.io/role/internal-elb": "1"}
            cidr = str(ranges.private)
            subnets[zone] = self._subnet("private", zone, cidr, tables[shared], role_tag)
        return subnets, list(tables.values())

    def _subnet(
        self, kind: str, zone: str, cidr: str, table: ec2.RouteTable, tags: dict[str, str]
    ) -> ec2.Subnet:
        name = f"{kind}-{zone}"
        subnet = ec2.Subnet(
            name,
            vpc_id=self._vpc.id,
            cidr_block=cidr,
            availability_zone=f"{self._place.region}{zone}",
            # What is public there asks for an address itself; nothing gets one unasked.
            map_public_ip_on_launch=False,
            tags={"Name": f"{self._place.config.namespace}-{name}", **tags},
            opts=self._child,
        )
        ec2.RouteTableAssociation(
            name, subnet_id=subnet.id, route_table_id=table.id, opts=self._child
        )
        return subnet

    def _endpoints(self, private: list[ec2.Subnet], tables: list[ec2.RouteTable]) -> None:
        door: ec2.SecurityGroup | None = None
        for service in self._spec.endpoints:
            reached: dict[str, object] = {"route_table_ids": [table.id for table in tables]}
            if service != "s3":
                door = door or self._endpoint_door()
                reached = {
                    "subnet_ids": [subnet.id for subnet in private],
                    "security_group_ids": [door.id],
                    "private_dns_enabled": True,
                }
            ec2.VpcEndpoint(
                f"endpoint-{service.replace('.', '-')}",
                vpc_id=self._vpc.id,
                service_name=f"com.amazonaws.{self._place.region}.{service}",
                vpc_endpoint_type="Gateway" if service == "s3" else "Interface",
                opts=self._child,
                **reached,
            )

    def _endpoint_door(self) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            "endpoints",
            vpc_id=self._vpc.id,
            description="AWS services, from inside the VPC",
            ingress=[
                {
                    "protocol": "tcp",
                    "from_port": 443,
                    "to_port": 443,
                    "cidr_blocks": [self._spec.cidr],
                    "description": "HTTPS from the VPC",
                }
            ],
            opts=self._child,
        )

    def _flow_logs(self, data_key_arn: Output[str]) -> None:
        logs = cloudwatch.LogGroup(
            "flow-logs",
            retention_in_days=self._spec.flow_log_days,
            kms_key_id=data_key_arn,
            opts=self._child,
        )
        writer = grant(
            "flow-logs",
            policies.trust("vpc-flow-logs.amazonaws.com"),
            self,
            policy=logs.arn.apply(policies.flow_logs),
        )
        ec2.FlowLog(
            "flow-logs",
            vpc_id=self._vpc.id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=logs.arn,
            iam_role_arn=writer.arn,
            opts=ResourceOptions(parent=self, depends_on=writer.needs),
        )
