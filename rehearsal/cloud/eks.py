"""EKS: clusters and what belongs to them, whole; moto knows a part of a cluster only."""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from rehearsal.cloud import networks
from rehearsal.cloud.calls import Handler, Request
from rehearsal.cloud.reading import mapping, texts
from rehearsal.cloud.stage import STAGE
from rehearsal.cloud.store import STORE, Record, Refusal

# EKS refuses a cluster with fewer: https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
ZONES_MIN = 2
VERSION = "1.36"
"""Of the control plane that the rehearsal runs."""
UPDATE = {"status": "Successful", "type": "ConfigUpdate", "params": [], "errors": []}


def missing(what: str) -> Refusal:
    return Refusal("ResourceNotFoundException", f"No {what} found")


def in_use(what: str) -> Refusal:
    return Refusal("ResourceInUseException", f"{what} already exists")


def create_cluster(request: Request) -> Record:
    name = request.text("name")
    vpc_config = mapping(request.parameters["resourcesVpcConfig"])
    subnets = networks.subnets(request, texts(vpc_config.get("subnetIds")))
    if len({subnet.zone for subnet in subnets}) < ZONES_MIN:
        raise Refusal(
            "InvalidParameterException",
            f"Subnets specified must be in at least {ZONES_MIN} different AZs",
        )
    vpc = subnets[0].vpc
    group = networks.make_group(request, f"eks-cluster-sg-{name}-{secrets.token_hex(4)}", vpc)
    given = request.given("clientRequestToken", "bootstrapSelfManagedAddons")
    network = {"vpcId": vpc, "clusterSecurityGroupId": group}
    access = {"endpointPublicAccess": True, "endpointPrivateAccess": False}
    issuer = f"https://oidc.eks.{request.region}.amazonaws.com/id/{secrets.token_hex(16).upper()}"
    record: Record = {
        "version": VERSION,
        "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16", "ipFamily": "ipv4"},
        **given,
        "resourcesVpcConfig": {**access, **vpc_config, **network},
        "arn": request.arn("eks", f"cluster/{name}"),
        "createdAt": datetime.now(UTC),
        "endpoint": STAGE.api_server() or f"https://{name}.{request.region}.eks.invalid",
        "certificateAuthority": {"data": STAGE.certificate_authority()},
        "identity": {"oidc": {"issuer": issuer}},
        "platformVersion": "eks.1",
        "status": "ACTIVE",
    }
    return {
        "cluster": STORE.add(request.region, "cluster", name, record, in_use(f"Cluster {name}"))
    }


def cluster(request: Request, name: str) -> Record:
    return request.find("cluster", name, missing(f"cluster {name}"))


def update_cluster(request: Request) -> Record:
    name = request.text("name")
    cluster(request, name)

    def change(record: Record) -> None:
        for key, value in request.given("name", "clientRequestToken").items():
            old = record.get(key)
            both = isinstance(old, dict) and isinstance(value, Mapping)
            record[key] = {**old, **value} if both else value  # type: ignore[dict-item]  # `both` says so

    STORE.change(request.region, "cluster", name, change)
    return updated(request)


def delete_cluster(request: Request) -> Record:
    name = request.text("name")
    record = cluster(request, name)
    if any(group["clusterName"] == name for group in STORE.all(request.region, "nodegroup")):
        raise Refusal("ResourceInUseException", "Cluster has nodegroups attached")
    network = mapping(record["resourcesVpcConfig"])
    networks.drop_group(request, str(network["clusterSecurityGroupId"]))
    STORE.drop(request.region, "cluster", name)
    return {"cluster": record | {"status": "DELETING"}}


def list_clusters(request: Request) -> Record:
    return {"clusters": [record["name"] for record in STORE.all(request.region, "cluster")]}


def updated(request: Request) -> Record:
    """What every change answers; it is done at once."""
    del request
    return {"update": UPDATE | {"id": secrets.token_hex(16), "createdAt": datetime.now(UTC)}}


HANDLERS: dict[str, Handler] = {
    "create_cluster": create_cluster,
    "describe_cluster": lambda request: {"cluster": cluster(request, request.text("name"))},
    "update_cluster_config": update_cluster,
    "update_cluster_version": update_cluster,
    "delete_cluster": delete_cluster,
    "list_clusters": list_clusters,
    "describe_update": updated,
}


class Member:
    """Calls for one kind of thing that belongs to a cluster."""

    def __init__(
        self,
        noun: str,
        keys: tuple[str, ...],
        complete: Callable[[Request], Record],
        *,
        answers_update: bool = False,
    ) -> None:
        self.noun = noun
        self._keys = keys
        self._complete = complete
        self._answer = noun
        self._answers_update = answers_update

    def handlers(self, suffix: str) -> dict[str, Handler]:
        """The four calls, by method name."""
        return {
            f"create_{suffix}": self.create,
            f"describe_{suffix}": self.describe,
            f"update_{suffix}": self.update,
            f"delete_{suffix}": self.delete,
        }

    def create(self, request: Request) -> Record:
        cluster(request, request.text("clusterName"))
        now = datetime.now(UTC)
        made = {"createdAt": now, "modifiedAt": now, **self._complete(request)}
        record = {**request.given("clientRequestToken", "resolveConflicts"), **made}
        key = self.key(record)
        exists = in_use(f"{self.noun} {key}")
        return {self._answer: STORE.add(request.region, self.noun, key, record, exists)}

    def key(self, values: Mapping[str, object]) -> str:
        return "/".join(str(values[key]) for key in self._keys)

    def record(self, request: Request) -> Record:
        key = self.key(request.parameters)
        return request.find(self.noun, key, missing(f"{self.noun} {key}"))

    def describe(self, request: Request) -> Record:
        return {self._answer: self.record(request)}

    def update(self, request: Request) -> Record:
        self.record(request)
        left_out = (*self._keys, "clientRequestToken", "resolveConflicts")
        fresh = request.given(*left_out) | {"modifiedAt": datetime.now(UTC)}
        key = self.key(request.parameters)
        record = STORE.change(request.region, self.noun, key, lambda old: old.update(fresh))
        return updated(request) if self._answers_update else {self._answer: record}

    def delete(self, request: Request) -> Record:
        record = self.record(request)
        STORE.drop(request.region, self.noun, self.key(request.parameters))
        return {self._answer: record}
