"""EKS: add-ons, pod identities, and who may do what in a cluster."""

import secrets
from datetime import UTC, datetime

from rehearsal.cloud.calls import Handler, Request
from rehearsal.cloud.eks import Member, cluster, missing
from rehearsal.cloud.store import STORE, Record

KIND = "access policy"


def _addon(request: Request) -> Record:
    name, of = request.text("addonName"), request.text("clusterName")
    version = {} if request.text("addonVersion") else {"addonVersion": "v1.0.0-rehearsal.1"}
    arn = request.arn("eks", f"addon/{of}/{name}/{secrets.token_hex(8)}")
    return {"addonArn": arn, "status": "ACTIVE", **version}


def _identity(request: Request) -> Record:
    number = f"a-{secrets.token_hex(9)}"
    arn = request.arn("eks", f"podidentityassociation/{request.text('clusterName')}/{number}")
    return {"associationId": number, "associationArn": arn}


def _entry(request: Request) -> Record:
    principal, of = request.text("principalArn"), request.text("clusterName")
    name = principal.rpartition("/")[2]
    arn = request.arn("eks", f"access-entry/{of}/role/{request.account}/{name}/0")
    kind = request.text("type") or "STANDARD"
    user = request.text("username") or principal
    return {"accessEntryArn": arn, "type": kind, "username": user}


ADDON = Member("addon", ("clusterName", "addonName"), _addon, answers_update=True)
IDENTITY = Member("association", ("clusterName", "associationId"), _identity)
ENTRY = Member("accessEntry", ("clusterName", "principalArn"), _entry)


def _policies(request: Request) -> list[Record]:
    mine = (request.text("clusterName"), request.text("principalArn"))
    return [
        record
        for record in STORE.all(request.region, KIND)
        if (record["clusterName"], record["principalArn"]) == mine
    ]


def associate_access_policy(request: Request) -> Record:
    ENTRY.record(request)
    policy, now = request.text("policyArn"), datetime.now(UTC)
    record = {**request.given(), "associatedAt": now, "modifiedAt": now}
    key = f"{ENTRY.key(request.parameters)}/{policy}"
    STORE.drop(request.region, KIND, key)
    kept = STORE.add(request.region, KIND, key, record, missing(""))
    names = {name: request.text(name) for name in ("clusterName", "principalArn")}
    return {**names, "associatedAccessPolicy": kept}


def disassociate_access_policy(request: Request) -> Record:
    key = f"{ENTRY.key(request.parameters)}/{request.text('policyArn')}"
    if STORE.drop(request.region, KIND, key) is None:
        raise missing(f"policy {key}")
    return {}


def list_associated_access_policies(request: Request) -> Record:
    ENTRY.record(request)
    names = {name: request.text(name) for name in ("clusterName", "principalArn")}
    return {**names, "associatedAccessPolicies": _policies(request)}


def delete_access_entry(request: Request) -> Record:
    """An entry takes its policies along."""
    for record in _policies(request):
        key = f"{ENTRY.key(request.parameters)}/{record['policyArn']}"
        STORE.drop(request.region, KIND, key)
    return ENTRY.delete(request)


def list_addons(request: Request) -> Record:
    return {"addons": [str(each["addonName"]) for each in _of_cluster(request, ADDON)]}


def list_access_entries(request: Request) -> Record:
    return {"accessEntries": [str(each["principalArn"]) for each in _of_cluster(request, ENTRY)]}


def list_identities(request: Request) -> Record:
    return {"associations": _of_cluster(request, IDENTITY)}


def _of_cluster(request: Request, member: Member) -> list[Record]:
    of = request.text("clusterName")
    cluster(request, of)
    found = STORE.all(request.region, member.noun)
    return [record for record in found if record["clusterName"] == of]


HANDLERS: dict[str, Handler] = {
    **ADDON.handlers("addon"),
    **IDENTITY.handlers("pod_identity_association"),
    **ENTRY.handlers("access_entry"),
    "delete_access_entry": delete_access_entry,
    "associate_access_policy": associate_access_policy,
    "disassociate_access_policy": disassociate_access_policy,
    "list_associated_access_policies": list_associated_access_policies,
    "list_addons": list_addons,
    "list_access_entries": list_access_entries,
    "list_pod_identity_associations": list_identities,
}
