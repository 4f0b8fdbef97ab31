"""Single calls that moto lacks or cuts short: of EC2, EFS, budgets and log groups."""

from moto.budgets.models import budgets_backends
from moto.ec2.models import ec2_backends
from moto.efs.models import FileSystem, efs_backends
from moto.logs.models import logs_backends

from rehearsal.cloud.calls import Handler, Request
from rehearsal.cloud.reading import items, mapping, texts
from rehearsal.cloud.store import STORE, Record, Refusal

TAGS = "budget tags"


def update_file_system(request: Request) -> Record:
    system = _file_system(request)
    system.throughput_mode = request.text("ThroughputMode") or system.throughput_mode
    rate = request.parameters.get("ProvisionedThroughputInMibps")
    system.provisioned_throughput_in_mibps = rate
    return dict(system.info_json())


def put_backup_policy(request: Request) -> Record:
    policy = mapping(request.parameters["BackupPolicy"])
    _file_system(request)._backup = policy["Status"] == "ENABLED"  # noqa: SLF001 - no setter
    return {"BackupPolicy": dict(policy)}


def describe_backup_policy(request: Request) -> Record:
    found = _file_system(request).backup_policy
    return {"BackupPolicy": found or {"Status": "DISABLED"}}


def _file_system(request: Request) -> FileSystem:
    key = request.text("FileSystemId")
    found = efs_backends[request.account][request.region].file_systems_by_id.get(key)
    if found is None:
        raise Refusal("FileSystemNotFound", f"File system '{key}' does not exist.")
    return found


def update_budget(request: Request) -> Record:
    fresh = mapping(request.parameters["NewBudget"])
    budgets = budgets_backends[request.account]["aws"].budgets[request.account]
    budget = budgets.get(str(fresh["BudgetName"]))
    if budget is None:
        raise Refusal("NotFoundException", f"the budget {fresh['BudgetName']} doesn't exist")
    budget.budget = {**budget.budget, **fresh}
    return {}


def tag_budget(request: Request) -> Record:
    pairs = (mapping(each) for each in items(request.parameters["ResourceTags"]))
    _retag(request, {**_budget_tags(request), **{str(p["Key"]): p["Value"] for p in pairs}})
    return {}


def untag_budget(request: Request) -> Record:
    gone = texts(request.parameters["ResourceTagKeys"])
    _retag(request, {k: v for k, v in _budget_tags(request).items() if k not in gone})
    return {}


def list_budget_tags(request: Request) -> Record:
    pairs = _budget_tags(request).items()
    return {"ResourceTags": [{"Key": key, "Value": value} for key, value in pairs]}


def _budget_tags(request: Request) -> Record:
    return STORE.get("", TAGS, request.text("ResourceARN")) or {}


def _retag(request: Request, tags: Record) -> None:
    key = request.text("ResourceARN")
    STORE.drop("", TAGS, key)
    STORE.add("", TAGS, key, tags, Refusal("DuplicateRecordException", key))


def associate_kms_key(request: Request) -> Record:
    key = request.text("logGroupName")
    group = logs_backends[request.account][request.region].groups.get(key)
    if group is None:
        raise Refusal("ResourceNotFoundException", "The specified log group does not exist")
    group.kms_key_id = request.text("kmsKeyId")
    return {}


def modify_vpc_endpoint(request: Request) -> Record:
    """As moto does, and with the routes that a gateway endpoint has in its tables.

    Without them moto cannot delete the endpoint any more.
    """
    backend = ec2_backends[request.account][request.region]
    key = request.text("VpcEndpointId")
    members = {
        f"{verb}_{short}": texts(request.parameters.get(f"{verb.capitalize()}{name}Ids"))
        for verb in ("add", "remove")
        for short, name in ENDPOINT_MEMBERS.items()
    }
    policy = request.text("PolicyDocument")
    backend.modify_vpc_endpoint(vpc_id=key, policy_doc=policy, **members)
    prefixes = backend.vpc_end_points[key].destination_prefix_list_id
    if prefixes:
        for table in members["add_route_tables"]:
            backend.create_route(table, None, gateway_id=key, destination_prefix_list_id=prefixes)
        for table in members["remove_route_tables"]:
            backend.delete_route(table, prefixes)
    return {"Return": True}


ENDPOINT_MEMBERS = {
    "subnets": "Subnet",
    "route_tables": "RouteTable",
    "security_groups": "SecurityGroup",
}
EC2: dict[str, Handler] = {"modify_vpc_endpoint": modify_vpc_endpoint}
EFS: dict[str, Handler] = {
    "update_file_system": update_file_system,
    "put_backup_policy": put_backup_policy,
    "describe_backup_policy": describe_backup_policy,
}
BUDGETS: dict[str, Handler] = {
    "update_budget": update_budget,
    "tag_resource": tag_budget,
    "untag_resource": untag_budget,
    "list_tags_for_resource": list_budget_tags,
}
LOGS: dict[str, Handler] = {"associate_kms_key": associate_kms_key}
