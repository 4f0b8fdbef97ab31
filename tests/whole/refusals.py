"""Asks the API server of a running fleet what it would let in, without making anything."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import httpx

from tests.whole.running_fleet import NAMESPACE, RunningFleet

CORE = f"/api/v1/namespaces/{NAMESPACE}"
APPS = f"/apis/apps/v1/namespaces/{NAMESPACE}"
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
_DRY = {"dryRun": "All"}
_AT_ONCE = 8
_MERGE = {"Content-Type": "application/strategic-merge-patch+json"}
_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"

Object = dict[str, Any]


class Right(NamedTuple):
    """What RBAC knows of a request."""

    group: str
    resource: str
    """With its subresource, as `pods/exec`."""
    verb: str


@dataclass(frozen=True)
class Door:
    """The API server, as its administrator or as whom it lets him stand in for."""

    server: httpx.Client
    headers: tuple[tuple[str, str], ...] = ()

    def as_user(self, name: str, *groups: str) -> "Door":
        """The same server, asked by another user."""
        known = (("Impersonate-User", name), *(("Impersonate-Group", group) for group in groups))
        return replace(self, headers=known)

    def refusal(self, kind: str, document: Object) -> str:
        """Why an object would be refused; empty where it would be let in."""
        path = f"{APPS if kind == 'replicasets' else CORE}/{kind}"
        answer = self.server.post(path, json=document, params=_DRY, headers=list(self.headers))
        return _told(answer)

    def refused_change(self, path: str, change: Object) -> str:
        """Why a change of an object in the fleet's namespace would be refused."""
        headers = [*self.headers, *_MERGE.items()]
        answer = self.server.patch(f"{CORE}/{path}", json=change, params=_DRY, headers=headers)
        return _told(answer)

    def known(self) -> Iterator[tuple[Right, bool]]:
        """Every right that there could be, and whether it is one of a namespace."""
        for path in ("/api", "/apis"):
            answer = self.server.get(path, headers={"Accept": _DISCOVERY})
            answer.raise_for_status()
            for group in answer.json()["items"]:
                name = group["metadata"].get("name", "")
                for version in group["versions"]:
                    yield from _rights(name, version.get("resources", ()))

    def may(self, account: str, asked: Iterable[tuple[Right, bool]]) -> set[Right]:
        """Which of these rights an account of the fleet's namespace has."""

        def answer(each: tuple[Right, bool]) -> bool:
            answer = self.server.post(_REVIEWS, json=_review(account, *each))
            answer.raise_for_status()
            return bool(answer.json()["status"]["allowed"])

        listed = sorted(set(asked))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return {
                each for (each, _), yes in zip(listed, pool.map(answer, listed), strict=True) if yes
            }


def pod_of(running: RunningFleet, deployment: str) -> Object:
    """A pod as a Deployment of the fleet would make it."""
    template = deepcopy(running.get("deployments", deployment)["spec"]["template"])
    return {"metadata": {**template["metadata"], "generateName": "try-"}, "spec": template["spec"]}


def main(pod: Object) -> Object:
    """Its first container."""
    found: Object = pod["spec"]["containers"][0]
    return found


def _rights(group: str, resources: Iterable[Object]) -> Iterator[tuple[Right, bool]]:
    for resource in resources:
        name, own = resource["resource"], resource["scope"] == "Namespaced"
        below = (f"{name}/{each['subresource']}" for each in resource.get("subresources", ()))
        for each in (name, *below):
            for verb in VERBS:
                yield Right(group, each, verb), own


def _review(account: str, right: Right, of_namespace: bool) -> Object:  # noqa: FBT001 - as asked
    resource, _, subresource = right.resource.partition("/")
    return {
        "spec": {
            "user": f"system:serviceaccount:{NAMESPACE}:{account}",
            "groups": [
                "system:serviceaccounts",
                f"system:serviceaccounts:{NAMESPACE}",
                "system:authenticated",
            ],
            "resourceAttributes": {
                "group": right.group,
                "resource": resource,
                "subresource": subresource,
                "verb": right.verb,
                "namespace": NAMESPACE if of_namespace else "",
            },
        }
    }


def _told(answer: httpx.Response) -> str:
    return "" if answer.is_success else str(answer.json()["message"])
