"""KMS keys: they rotate by themselves, and in prod nothing deletes them by mistake."""

# Annotations that are not run leave whole services of the SDK unread: seconds of every run.
from __future__ import annotations

from pulumi import Input, ResourceOptions
from pulumi_aws import kms

from infra.components.aws.placement import Place

_DELETION_DAYS = 30


def key(
    name: str, place: Place, purpose: str, opts: ResourceOptions, policy: Input[str] | None = None
) -> kms.Key:
    """Make a key; what it encrypts is lost with it.

    Without a policy the account's IAM decides who uses it.
    """
    return kms.Key(
        name,
        description=f"{place.config.namespace}: {purpose}",
        enable_key_rotation=True,
        deletion_window_in_days=_DELETION_DAYS,
        policy=policy,
        opts=ResourceOptions.merge(opts, ResourceOptions(protect=place.config.protect)),
    )
