"""What components on AWS are told, and what one of them hands to the next."""

# Annotations that are not run leave whole services of the SDK unread: seconds of every run.
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pulumi_aws as aws
from pulumi import Output, Resource, ResourceOptions
from pulumi_aws import kms

from infra.manifests.aws.access_strings import Workload
from infra.models.fleet import FleetConfig


@dataclass(frozen=True)
class Place:
    """Where and how resources of the stack are made."""

    config: FleetConfig
    region: str
    provider: aws.Provider
    opts: ResourceOptions
    """Provider and tags of whatever is on AWS."""
    tags: dict[str, str]

    def data(self, parent: Resource) -> ResourceOptions:
        """Options of what holds data, or cannot be made again as it was: protected in prod."""
        return ResourceOptions(parent=parent, protect=self.config.protect)


@dataclass(frozen=True)
class NetworkRuntime:
    """Where nodes and broker are placed."""

    vpc_id: Output[str]
    private_subnet_ids: list[Output[str]]
    needs: list[Resource]
    """Routes, NAT and endpoints: a node reaches nothing before, and nothing after they are gone."""


@dataclass(frozen=True)
class Base:
    """What every other part is placed on."""

    network: NetworkRuntime
    data_key: kms.Key


@dataclass(frozen=True)
class ClusterRuntime:
    """The control plane, once it answers."""

    name: Output[str]
    arn: Output[str]
    version: Output[str]
    security_group_id: Output[str]
    """Of control plane and nodes, made by EKS."""
    kubeconfig: Output[str]
    needs: list[Resource]
    """Add-ons without which a node does not become ready."""


@dataclass(frozen=True)
class NodesRuntime:
    """Node groups, once they have their nodes."""

    security_group_id: Output[str]
    auto_scaling_groups: dict[str, Output[str]]
    needs: list[Resource]


class CacheLogin(NamedTuple):
    """A user of the broker, once it is valid."""

    username: Output[str]
    password: Output[str]


@dataclass(frozen=True)
class CacheAccess:
    """Where a broker is on which this stack makes users, and theirs."""

    host: Output[str]
    port: Output[int]
    logins: Mapping[Workload, CacheLogin]
    """The fleet's is that of its active user. Of those without a user there is none."""


@dataclass(frozen=True)
class CacheRuntime(CacheAccess):
    """The broker that this stack owns."""

    resource: Resource
    user_group: Output[str]
    """Whose members may log in."""
