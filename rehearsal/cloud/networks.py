"""What other services need of moto's EC2: subnets, and security groups made on the way."""

from dataclasses import dataclass

from moto.autoscaling.models import autoscaling_backends
from moto.ec2.models import ec2_backends

from rehearsal.cloud.calls import Request


@dataclass(frozen=True)
class Subnet:
    """Where a subnet lies."""

    id: str
    vpc: str
    zone: str


def subnets(request: Request, ids: list[str]) -> list[Subnet]:
    """The subnets; EC2's own refusal names one that does not exist."""
    backend = ec2_backends[request.account][request.region]
    found = backend.describe_subnets(subnet_ids=list(ids))
    return [Subnet(each.id, each.vpc_id, each.availability_zone) for each in found]


def make_group(request: Request, name: str, vpc: str) -> str:
    """Make a security group, as EKS does for each cluster."""
    backend = ec2_backends[request.account][request.region]
    told = "EKS created security group applied to ENI of nodes and the control plane"
    return str(backend.create_security_group(name, told, vpc).id)


def drop_group(request: Request, group: str) -> None:
    ec2_backends[request.account][request.region].delete_security_group(group_id=group)


def machine(request: Request, instance_type: str) -> dict[str, str] | None:
    """What Kubernetes would call an instance type's capacity; None for an unknown type."""
    backend = ec2_backends[request.account][request.region]
    known = backend.describe_instance_types([instance_type])
    if not known:
        return None
    gpus = known[0].get("GpuInfo", {}).get("Gpus", [])
    capacity = {
        "cpu": str(known[0]["VCpuInfo"]["DefaultVCpus"]),
        "memory": f"{known[0]['MemoryInfo']['SizeInMiB']}Mi",
        "pods": "110",
    }
    gpu = sum(int(each["Count"]) for each in gpus)
    return capacity | ({"nvidia.com/gpu": str(gpu)} if gpu else {})


def make_scaling_group(request: Request, name: str, subnet_ids: list[str]) -> None:
    """Make the empty scaling group that a node group's tags hang on; moto must run no machine."""
    backend = autoscaling_backends[request.account][request.region]
    backend.create_launch_configuration(
        name=name,
        image_id="ami-12c6146b",
        kernel_id="",
        ramdisk_id="",
        key_name="",
        security_groups=[],
        user_data="",
        instance_type="t3.micro",
        instance_monitoring=False,
        instance_profile_name=None,
        spot_price=None,
        ebs_optimized=False,
        associate_public_ip_address=False,
        block_device_mappings=[],
        metadata_options=None,
        classic_link_vpc_id=None,
        classic_link_vpc_security_groups=[],
    )
    backend.create_auto_scaling_group(
        name=name,
        availability_zones=[],
        desired_capacity=0,
        max_size=0,
        min_size=0,
        launch_config_name=name,
        launch_template={},
        vpc_zone_identifier=",".join(subnet_ids),
        default_cooldown=300,
        health_check_period=300,
        health_check_type="EC2",
        load_balancers=[],
        target_group_arns=[],
        placement_group=None,
        termination_policies=[],
        tags=[],
    )


def drop_scaling_group(request: Request, name: str) -> None:
    backend = autoscaling_backends[request.account][request.region]
    backend.delete_auto_scaling_group(name)
    backend.delete_launch_configuration(name)
