"""EKS: node groups, which become node groups of the rehearsal's stage."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime

from rehearsal.cloud import networks
from rehearsal.cloud.calls import Handler, Request
from rehearsal.cloud.eks import Member, updated
from rehearsal.cloud.reading import items, mapping
from rehearsal.cloud.stage import STAGE, NodeGroup
from rehearsal.cloud.store import STORE, Record, Refusal

# EKS's spelling to Kubernetes'.
EFFECTS = {
    "NO_SCHEDULE": "NoSchedule",
    "NO_EXECUTE": "NoExecute",
    "PREFER_NO_SCHEDULE": "PreferNoSchedule",
}
INSTANCE_TYPE = "t3.medium"
KIND = "nodegroup"


def _complete(request: Request) -> Record:
    of, name = request.text("clusterName"), request.text("nodegroupName")
    number = secrets.token_hex(8)
    return {
        "nodegroupArn": request.arn("eks", f"nodegroup/{of}/{name}/{number}"),
        "status": "ACTIVE",
        "amiType": request.text("amiType") or "AL2023_x86_64_STANDARD",
        "capacityType": request.text("capacityType") or "ON_DEMAND",
        "instanceTypes": request.parameters.get("instanceTypes") or [INSTANCE_TYPE],
        "version": request.text("version") or "1.36",
        "releaseVersion": request.text("releaseVersion") or "1.36.3-rehearsal",
        "resources": {"autoScalingGroups": [{"name": f"eks-{name}-{number}"}]},
        "health": {"issues": []},
    }


GROUP = Member(KIND, ("clusterName", "nodegroupName"), _complete)


def create(request: Request) -> Record:
    _check_sizes(mapping(request.parameters.get("scalingConfig")))
    subnets = [str(each) for each in items(request.parameters.get("subnets"))]
    networks.subnets(request, subnets)
    types = items(request.parameters.get("instanceTypes"))
    for instance_type in types:
        if networks.machine(request, str(instance_type)) is None:
            told = f"The instance type {instance_type} is not offered in {request.region}"
            raise Refusal("InvalidParameterException", told)
    answer = GROUP.create(request)
    record = mapping(answer["nodegroup"])
    networks.make_scaling_group(request, _scaling_group(record), subnets)
    STAGE.keep(_staged(request, record))
    return answer


def update_config(request: Request) -> Record:
    sizes = mapping(request.parameters.get("scalingConfig"))
    GROUP.record(request)

    def change(record: Record) -> None:
        merged = {**mapping(record.get("scalingConfig")), **sizes}
        _check_sizes(merged)
        record["scalingConfig"] = merged
        record["labels"] = _labels(record, mapping(request.parameters.get("labels")))
        record["taints"] = _taints(record, mapping(request.parameters.get("taints")))
        for name in ("updateConfig", "nodeRepairConfig"):
            if request.parameters.get(name):
                record[name] = request.parameters[name]
        record["modifiedAt"] = datetime.now(UTC)

    record = STORE.change(request.region, KIND, GROUP.key(request.parameters), change)
    STAGE.keep(_staged(request, record))
    return updated(request)


def update_version(request: Request) -> Record:
    GROUP.record(request)
    fresh = request.given("clusterName", "nodegroupName", "clientRequestToken", "force")
    key = GROUP.key(request.parameters)
    STORE.change(request.region, KIND, key, lambda record: record.update(fresh))
    return updated(request)


def delete(request: Request) -> Record:
    record = GROUP.record(request)
    networks.drop_scaling_group(request, _scaling_group(record))
    STAGE.drop(f"{record['clusterName']}-{record['nodegroupName']}")
    return GROUP.delete(request)


def list_groups(request: Request) -> Record:
    of = request.text("clusterName")
    found = STORE.all(request.region, KIND)
    return {"nodegroups": [each["nodegroupName"] for each in found if each["clusterName"] == of]}


def _staged(request: Request, record: Mapping[str, object]) -> NodeGroup:
    """The node group as the stage runs it."""
    sizes = mapping(record.get("scalingConfig"))
    instance_type = str(items(record["instanceTypes"])[0])
    own = {
        "eks.amazonaws.com/nodegroup": str(record["nodegroupName"]),
        "node.kubernetes.io/instance-type": instance_type,
        "eks.amazonaws.com/capacityType": str(record["capacityType"]),
    }
    return NodeGroup(
        name=f"{record['clusterName']}-{record['nodegroupName']}",
        minimum=int(str(sizes.get("minSize", 0))),
        maximum=int(str(sizes.get("maxSize", 1))),
        capacity=networks.machine(request, instance_type) or {},
        labels={**own, **{k: str(v) for k, v in mapping(record.get("labels")).items()}},
        taints=tuple(_taint(mapping(each)) for each in items(record.get("taints"))),
    )


def _taint(given: Mapping[str, object]) -> dict[str, str]:
    effect = EFFECTS[str(given["effect"])]
    return {"key": str(given["key"]), "value": str(given.get("value") or ""), "effect": effect}


def _labels(record: Record, change: Mapping[str, object]) -> Record:
    removed = items(change.get("removeLabels"))
    both = {**mapping(record.get("labels")), **mapping(change.get("addOrUpdateLabels"))}
    return {key: value for key, value in both.items() if key not in removed}


def _taints(record: Record, change: Mapping[str, object]) -> list[object]:
    gone = [*items(change.get("removeTaints")), *items(change.get("addOrUpdateTaints"))]
    keys = {(mapping(taint)["key"], mapping(taint)["effect"]) for taint in gone}
    kept = [
        taint
        for taint in items(record.get("taints"))
        if (mapping(taint)["key"], mapping(taint)["effect"]) not in keys
    ]
    return [*kept, *items(change.get("addOrUpdateTaints"))]


def _check_sizes(sizes: Mapping[str, object]) -> None:
    least, most, wanted = (int(str(sizes.get(n, 0))) for n in ("minSize", "maxSize", "desiredSize"))
    if not least <= wanted <= most or most < 1:
        told = f"desiredSize {wanted} is not between minSize {least} and maxSize {most}"
        raise Refusal("InvalidParameterException", told)


def _scaling_group(record: Mapping[str, object]) -> str:
    groups = items(mapping(record["resources"])["autoScalingGroups"])
    return str(mapping(groups[0])["name"])


HANDLERS: dict[str, Handler] = {
    "create_nodegroup": create,
    "describe_nodegroup": GROUP.describe,
    "update_nodegroup_config": update_config,
    "update_nodegroup_version": update_version,
    "delete_nodegroup": delete,
    "list_nodegroups": list_groups,
}
