"""A preview's stack file, out of its base's: what is shared, what is less, what is its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fleet.previews.guest_workers import (
    PROFILE,
    chosen_profile,
    guest_workers,
    none_such,
    profile,
)
from fleet.previews.membership import membership
from fleet.previews.naming import key_prefix
from infra.config import ConfigError, validated
from infra.models.base_contract import BaseContract
from infra.models.fleet import FleetConfig
from infra.models.queue_class import merged
from rehearsal.errors import RehearsalError

Raw = dict[str, Any]

# What a preview has from its base as it is.
_SHARED = ("nodeGroups", "prices", "tags")
# How the fleet uses a broker, whoever makes it; replicas to confirm are the base's own matter.
_BROKER_USE = ("resultExpiresSeconds", "delivery", "visibilityTimeoutSeconds", "deliveryLimit")
_BROKER_PLACE = ("at", "maxConnections")
_RARER_HOURS = 24
_LONGEST_BEAT_HOURS = 168
# A preview gone wild leaves a result for each task that it runs, in memory of the base's broker.
_RESULTS_KEPT_MOST_S = 3600


@dataclass(frozen=True)
class Base:
    """A stack that previews live beside: what its file states, and what it told once it was up."""

    stack: str
    raw: Mapping[str, Any]
    """Its stack file's own keys."""
    config: FleetConfig
    told: BaseContract
    secrets_provider: str | None = None
    """A cloud's key for the secrets of its stack; None: by passphrase, or Pulumi Cloud's own."""


@dataclass(frozen=True)
class Wish:
    """What is asked of a preview."""

    name: str
    """Of the preview: stack, namespace, and key prefix with a colon."""
    branch: str
    commit: str | None
    created_at: datetime
    expires_at: datetime
    image: str | None = None
    """Instead of the base's."""
    training: bool = False
    """With the base's workers on GPUs."""
    branch_seen_at: datetime | None = None


def preview_config(base: Base, wish: Wish) -> Raw:
    """Keys of the preview's stack file, without the project's name before them.

    Raises:
        RehearsalError: the base cannot have such a preview.

    """
    workers = guest_workers(base, training=wish.training)
    served = {queue for worker in workers.values() for queue in worker["queues"]}
    queues = {queue: stated for queue, stated in base.raw["queues"].items() if queue in served}
    keys = {
        "tier": "preview",
        "namespace": wish.name,
        "preview": _marks(base, wish),
        "image": _image(base, wish, workers),
        "cluster": _cluster(base),
        "broker": _broker(base, wish.name),
        "keda": {"kind": "existing"},
        # Nobody is told of a preview: no rules, no dashboards, and nothing that reads its figures.
        "monitoring": {"kind": "existing", "rules": False},
        "networkPolicy": {**base.raw.get("networkPolicy", {}), "scrapers": []},
        **{key: base.raw[key] for key in _SHARED if key in base.raw},
        "queues": queues,
        "workers": workers,
        "beat": _beat(base),
        "api": {**base.raw.get("api", {}), "replicas": 1, "outbox": False},
    }
    try:
        validated(keys, f"preview of {base.stack}")
    except ConfigError as error:
        raise _refused(base, wish, str(error)) from error
    return keys


def _refused(base: Base, wish: Wish, why: str) -> RehearsalError:
    """Nobody can correct a file that is made out of another one."""
    if wish.image is not None and f"image is {wish.image!r}" in why:
        mend = "name one as a registry does: --image HOST/NAME@sha256:DIGEST"
        return RehearsalError(what="--image is no image's reference", why=why, mend=mend)
    return none_such(base, why)


def _marks(base: Base, wish: Wish) -> Raw:
    marks: Raw = {
        "base": base.stack,
        "branch": wish.branch,
        "createdAt": wish.created_at.isoformat(),
        "expiresAt": wish.expires_at.isoformat(),
    }
    seen = {"branchSeenAt": wish.branch_seen_at.isoformat()} if wish.branch_seen_at else {}
    training = {"training": True} if wish.training else {}
    return marks | seen | training | ({"commit": wish.commit} if wish.commit else {})


def _image(base: Base, wish: Wish, workers: Mapping[str, Raw]) -> object:
    if wish.image is not None:
        return wish.image
    told = base.told.images
    if "cpu" not in told:
        raise RehearsalError(
            what=f"no image for the preview of {wish.branch}",
            why=f"stack {base.stack} tells none in its output `base`",
            mend=f"name one: --image REF, or bring the base up again: pulumi up -s {base.stack}",
        )
    flavours = {key: told[key] for key in ("cpu", "gpu") if key in told}
    differ = len(set(flavours.values())) > 1
    asks = any((worker.get("resources") or {}).get("gpu") for worker in workers.values())
    return flavours if asks and differ else told["cpu"]


def _cluster(base: Base) -> Raw:
    stated = base.config.cluster
    return {
        "kind": "existing",
        "context": base.told.cluster.name,
        "storageClass": base.told.storage_class,
        "storage": stated.storage,
        "hpaSyncPeriodSeconds": stated.hpa_sync_period_s,
    }


def _broker(base: Base, name: str) -> Raw:
    """A user of its own where the base makes its broker; else the base's login."""
    stated = base.raw["broker"]
    if base.told.broker.owned:
        use = {key: stated[key] for key in _BROKER_USE if key in stated}
        return {**membership(base.stack, base.told), "keyPrefix": key_prefix(name), **use}
    namespace, secret = base.told.broker.secret.split("/", 1)
    shared = (*_BROKER_USE, *_BROKER_PLACE)
    return {
        "kind": "existing",
        "connectionSecret": {"namespace": namespace, "name": secret},
        "authority": base.told.broker.authority,
        "keyPrefix": key_prefix(name),
        **{key: stated[key] for key in shared if key in stated},
        "resultExpiresSeconds": min(base.config.broker.result_expires_s, _RESULTS_KEPT_MOST_S),
    }


def _beat(base: Base) -> Raw:
    of_profile = (profile(base, PROFILE) or chosen_profile(base)).get("beat") or {}
    stated: Raw = merged(base.raw.get("beat") or {}, of_profile)
    hours = max(_RARER_HOURS, int(stated.get("diskSampleHours", 0)))
    return {**stated, "diskSampleHours": min(hours, _LONGEST_BEAT_HOURS)}
