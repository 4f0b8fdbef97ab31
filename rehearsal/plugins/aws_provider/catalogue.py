"""The AWS stand-in's configuration, types and functions."""

import json
import os
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from typing_extensions import override

from rehearsal.errors import RehearsalError
from rehearsal.plugins.aws_provider import (
    alarms,
    eks,
    eks_access,
    elasticache,
    endpoints,
    iam,
    kms,
    launch_templates,
    network,
    notices,
    replication_groups,
    routes,
    security_groups,
    stores,
)
from rehearsal.plugins.aws_provider.clients import Clients
from rehearsal.plugins.aws_provider.lifecycle import AwsKind
from rehearsal.plugins.aws_provider.refusals import asked
from rehearsal.plugins.aws_provider.spec import Spec
from rehearsal.plugins.stand_in.kind import Catalogue, Kind, Properties

MODULES = (
    network,
    routes,
    endpoints,
    security_groups,
    launch_templates,
    kms,
    iam,
    eks,
    eks_access,
    elasticache,
    replication_groups,
    stores,
    alarms,
    notices,
)
SPECS: dict[str, Spec] = {spec.token: spec for module in MODULES for spec in module.SPECS}
PREFIX = "aws:config:"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
# What a program may state without any change here: they steer how the real AWS is reached.
HARMLESS = {
    "region",
    "defaultTags",
    "profile",
    "allowedAccountIds",
    "skipCredentialsValidation",
    "skipMetadataApiCheck",
    "skipRegionValidation",
    "skipRequestingAccountId",
    "version",
    "maxRetries",
    "accessKey",
    "secretKey",
    "token",
}


class AwsCatalogue(Catalogue):
    """Everything the stand-in knows of AWS."""

    replacing = frozenset({"region"})

    @override
    def configure(self, variables: Mapping[str, str]) -> None:
        stated = {key.removeprefix(PREFIX): value for key, value in variables.items()}
        for key in sorted(stated.keys() - HARMLESS):
            raise RehearsalError(
                f"the stand-in for pulumi-resource-aws knows no aws:{key}",
                "it would have to be ignored",
                "unset it, or install the official AWS plugin",
            )
        self._clients = Clients(_endpoint(os.environ), _region(stated, os.environ))
        self._clients.cancelled = self.cancelled
        asked("AWS does not tell whose account it is", self._clients.identify)
        found = json.loads(stated.get("defaultTags") or "{}")
        self._default_tags = found.get("tags") or {}

    @override
    def kind(self, token: str) -> Kind:
        spec = SPECS.get(token)
        if spec is not None:
            return AwsKind(spec, self._clients, self._default_tags)
        raise RehearsalError(
            f"the stand-in for pulumi-resource-aws knows no {token}",
            f"it knows {len(SPECS)} types of {len(MODULES)} groups",
            "install the official AWS plugin, or write the type down in the stand-in",
        )

    @override
    def invoke(self, token: str, arguments: Properties) -> Properties | None:
        answer = FUNCTIONS.get(token)
        return None if answer is None else asked(token, lambda: answer(self._clients, arguments))


def _endpoint(environ: Mapping[str, str]) -> str:
    """Where AWS's stand-in listens; the real AWS is out of the question."""
    endpoint = environ.get("AWS_ENDPOINT_URL", "")
    if urlsplit(endpoint).hostname in LOOPBACK:
        return endpoint
    raise RehearsalError(
        "the stand-in for pulumi-resource-aws talks to a stand-in for AWS only",
        f"AWS_ENDPOINT_URL is {endpoint or 'not set'}, which is no address of this machine",
        "start the rehearsal, or install the official AWS plugin for the real AWS",
    )


def _region(stated: Mapping[str, str], environ: Mapping[str, str]) -> str:
    region = stated.get("region") or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if region:
        return region
    raise RehearsalError(
        "no AWS region", "neither aws:region nor AWS_REGION says which", "set aws:region"
    )


def _caller(clients: Clients, _: Properties) -> Properties:
    found = clients.client("sts").get_caller_identity()
    named = {"accountId": found["Account"], "arn": found["Arn"], "userId": found["UserId"]}
    return {**named, "id": found["Account"]}


def _region_of(clients: Clients, arguments: Properties) -> Properties:
    name = str(arguments.get("name") or arguments.get("region") or clients.region)
    endpoint = f"ec2.{name}.amazonaws.com"
    return {
        "id": name,
        "name": name,
        "region": name,
        "endpoint": endpoint,
        "description": f"{name} (stand-in)",
    }


def _partition(clients: Clients, _: Properties) -> Properties:
    del clients
    return {
        "id": "aws",
        "partition": "aws",
        "dnsSuffix": "amazonaws.com",
        "reverseDnsPrefix": "com.amazonaws",
    }


def _zones(clients: Clients, arguments: Properties) -> Properties:
    state = arguments.get("state")
    filters = [{"Name": "state", "Values": [state]}] if state else []
    found = clients.client("ec2").describe_availability_zones(Filters=filters)
    zones = found["AvailabilityZones"]
    return {
        "id": clients.region,
        "names": [zone["ZoneName"] for zone in zones],
        "zoneIds": [zone["ZoneId"] for zone in zones],
        "groupNames": sorted({zone.get("GroupName", clients.region) for zone in zones}),
    }


def _addon_version(clients: Clients, arguments: Properties) -> Properties:
    """No catalogue of add-ons here: a version that says whose it is."""
    del clients
    version = "v1.0.0-rehearsal.1"
    return {**arguments, "version": version, "id": arguments["addonName"]}


FUNCTIONS: dict[str, Callable[[Clients, Properties], Properties]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller,
    "aws:index/getRegion:getRegion": _region_of,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getAvailabilityZones:getAvailabilityZones": _zones,
    "aws:eks/getAddonVersion:getAddonVersion": _addon_version,
}
