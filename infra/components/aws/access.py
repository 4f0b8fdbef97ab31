"""IAM roles: one a workload, with what that workload does and no more."""

# Annotations that are not run leave whole services of the SDK unread: seconds of every run.
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pulumi import Input, Output, Resource, ResourceOptions
from pulumi_aws import iam


class Grant(NamedTuple):
    """A role, and the permissions that it has only once they are attached."""

    role: iam.Role
    needs: list[Resource]

    @property
    def arn(self) -> Output[str]:
        arn: Output[str] = self.role.arn
        return arn


def grant(
    name: str,
    trust: str,
    parent: Resource,
    managed: Sequence[str] = (),
    policy: Input[str] | None = None,
) -> Grant:
    """Make a role with policies that AWS writes, by ARN, and one that the fleet writes."""
    child = ResourceOptions(parent=parent)
    role = iam.Role(name, assume_role_policy=trust, opts=child)
    needs: list[Resource] = [
        iam.RolePolicyAttachment(
            f"{name}-{arn.rsplit('/', 1)[1]}", role=role.name, policy_arn=arn, opts=child
        )
        for arn in managed
    ]
    if policy is not None:
        needs.append(iam.RolePolicy(name, role=role.name, policy=policy, opts=child))
    return Grant(role, needs)
