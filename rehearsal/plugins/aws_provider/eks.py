"""EKS: clusters, node groups."""

from rehearsal.plugins.aws_provider.calling import structured
from rehearsal.plugins.aws_provider.deed import Deed
from rehearsal.plugins.aws_provider.spec import Call, Spec, Tagging, Update
from rehearsal.plugins.stand_in.kind import Properties
from rehearsal.plugins.stand_in.rules import AutoName

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
CLUSTER = {"name": "{id}"}
NODE_GROUP = {"clusterName": "{clusterName}", "nodegroupName": "{nodeGroupName}"}
# UpdateClusterConfig takes one of them at a time.
CONFIGURED = (
    "accessConfig upgradePolicy deletionProtection zonalShiftConfig controlPlaneScalingConfig "
    "kubeApiServerConfig kubeControllerManagerConfig kubeSchedulerConfig computeConfig "
    "storageConfig"
)


def tagging(arn: str) -> Tagging:
    return Tagging(
        Call("tag_resource", {"resourceArn": arn}),
        Call("untag_resource", {"resourceArn": arn}),
        key="tags",
    )


def create_cluster(deed: Deed) -> object:
    inputs = deed.resource.inputs
    silent = {"enabledClusterLogTypes", "region", "__defaults", *FORCING}
    given = {name: value for name, value in inputs.items() if name not in silent}
    found = structured(deed, "create_cluster", given, {"vpcConfig": "resourcesVpcConfig"})
    deed.aws.create_cluster(**found, logging=_logging(inputs))
    return deed.text("name")


FORCING = ("forceUpdateVersion",)


def described_cluster(deed: Deed) -> object:
    found = deed.aws.describe_cluster(name=deed.id)["cluster"]
    issuer = found.get("identity", {}).get("oidc", {}).get("issuer")
    enabled = [
        kind
        for entry in found.get("logging", {}).get("clusterLogging", [])
        if entry["enabled"]
        for kind in entry["types"]
    ]
    return found | {
        "identities": [{"oidcs": [{"issuer": issuer}]}],
        "enabledClusterLogTypes": enabled,
    }


def set_logging(deed: Deed) -> object:
    return deed.aws.update_cluster_config(name=deed.id, logging=_logging(deed.resource.inputs))


def set_version(deed: Deed) -> object:
    return deed.aws.update_cluster_version(name=deed.id, version=deed.text("version"))


def _logging(inputs: Properties) -> Properties:
    wanted = inputs.get("enabledClusterLogTypes")
    on = [kind for kind in LOG_TYPES if isinstance(wanted, list) and kind in wanted]
    off = [kind for kind in LOG_TYPES if kind not in on]
    pairs = ((on, True), (off, False))
    return {
        "clusterLogging": [{"types": kinds, "enabled": is_on} for kinds, is_on in pairs if kinds]
    }


def described_node_group(deed: Deed) -> object:
    group = deed.aws.describe_nodegroup(
        clusterName=deed.text("clusterName"), nodegroupName=deed.text("nodeGroupName")
    )["nodegroup"]
    scaling = group.get("resources", {}).get("autoScalingGroups", [])
    return group | {"resources": [{"autoscalingGroups": scaling}]}


def configure_node_group(deed: Deed) -> object:
    """Labels and taints go as differences, the rest whole."""
    old, new = deed.description, deed.resource.inputs
    given: Properties = {
        name: new[name]
        for name in ("scalingConfig", "updateConfig", "nodeRepairConfig")
        if name in new
    }
    before, after = (_mapping(each.get("labels")) for each in (old, new))
    given["labels"] = {
        "addOrUpdateLabels": after,
        "removeLabels": [key for key in before if key not in after],
    }
    taints = [_items(each.get("taints")) for each in (old, new)]
    given["taints"] = {
        "addOrUpdateTaints": taints[1],
        "removeTaints": [taint for taint in taints[0] if taint not in taints[1]],
    }
    names = {"clusterName": deed.text("clusterName"), "nodegroupName": deed.text("nodeGroupName")}
    found = structured(deed, "update_nodegroup_config", given, {})
    return deed.aws.update_nodegroup_config(**names, **found)


def _mapping(value: object) -> Properties:
    return value if isinstance(value, dict) else {}


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


SPECS = (
    Spec(
        "aws:eks/cluster:Cluster",
        "eks",
        create=create_cluster,
        read=described_cluster,
        delete=Call("delete_cluster", CLUSTER),
        replacing="name roleArn encryptionConfig kubernetesNetworkConfig outpostConfig "
        "bootstrapSelfManagedAddons accessConfig.bootstrapClusterCreatorAdminPermissions "
        "remoteNetworkConfig",
        updates=(
            Update("version", set_version),
            Update("vpcConfig", Call("update_cluster_config", CLUSTER)),
            Update("enabledClusterLogTypes", set_logging),
            Update(CONFIGURED, Call("update_cluster_config", CLUSTER), each=True),
        ),
        silent=" ".join(FORCING),
        renames={"vpcConfig": "resourcesVpcConfig"},
        reads={"bootstrapSelfManagedAddons": ""},
        unordered="enabledClusterLogTypes",
        auto_name=AutoName(most=100),
        tags=tagging("{arn}"),
        outputs={
            "arn": "arn",
            "endpoint": "endpoint",
            "certificateAuthority": "certificateAuthority",
            "createdAt": "createdAt",
            "identities": "identities",
            "platformVersion": "platformVersion",
            "status": "status",
            "version": "version",
            "vpcConfig.clusterSecurityGroupId": "resourcesVpcConfig.clusterSecurityGroupId",
            "vpcConfig.vpcId": "resourcesVpcConfig.vpcId",
        },
        ready=("status", ("ACTIVE",)),
    ),
    Spec(
        "aws:eks/nodeGroup:NodeGroup",
        "eks",
        create=Call("create_nodegroup"),
        id="{clusterName}:{nodeGroupName}",
        read=described_node_group,
        delete=Call("delete_nodegroup", NODE_GROUP),
        replacing="clusterName nodeGroupName nodeRoleArn subnetIds instanceTypes amiType "
        "capacityType diskSize remoteAccess launchTemplate.id launchTemplate.name",
        updates=(
            Update(
                "scalingConfig labels taints updateConfig nodeRepairConfig", configure_node_group
            ),
            Update(
                "version releaseVersion launchTemplate.version",
                Call("update_nodegroup_version", NODE_GROUP),
            ),
        ),
        silent="forceUpdateVersion",
        renames={"nodeRoleArn": "nodeRole", "subnetIds": "subnets"},
        unordered="subnetIds taints",
        auto_name=AutoName("nodeGroupName", 63),
        tags=tagging("{arn}"),
        outputs={
            "arn": "nodegroupArn",
            "status": "status",
            "resources": "resources",
            "version": "version",
            "releaseVersion": "releaseVersion",
            "amiType": "amiType",
            "capacityType": "capacityType",
        },
        ready=("status", ("ACTIVE",)),
    ),
)
