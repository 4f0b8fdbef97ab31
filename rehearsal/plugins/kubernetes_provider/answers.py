"""Puts what was found out into the engine's messages."""

from collections.abc import Mapping

from pulumi.runtime.proto import provider_pb2 as pb

from rehearsal.plugins.diff_answer import diff_answer
from rehearsal.plugins.difference import changes
from rehearsal.plugins.kubernetes_provider.cluster import Cluster
from rehearsal.plugins.kubernetes_provider.kubeconfig import Choice, active_cluster
from rehearsal.plugins.kubernetes_provider.objects import (
    AUTONAMED,
    Kind,
    at,
    is_annotated,
    kind_of,
    mapping,
    text,
)
from rehearsal.plugins.kubernetes_provider.replacement import replaces, replacing_fields
from rehearsal.plugins.values import UNKNOWN

CLUSTER_KEYS = ("kubeconfig", "context", "cluster")


def difference(
    old: Mapping[str, object], new: Mapping[str, object], fallback: Kind, cluster: Cluster
) -> pb.DiffResponse:
    """What an update would change; values are plain, and none is put into the answer."""
    kind = kind_of(new, fallback)
    if not cluster.is_namespaced(kind):
        old, new = _without_namespace(old), _without_namespace(new)
    fields = replacing_fields(kind, old, cluster.behaviour.mutability)
    if kind_of(old, kind).group != kind.group:
        fields += (("apiVersion",),)
    return diff_answer(
        changes(old, new),
        lambda path: replaces(path, fields),
        delete_first=_needs_the_name(old, new),
    )


def configuration_difference(
    old: Mapping[str, object], new: Mapping[str, object], environ: Mapping[str, str]
) -> pb.DiffResponse:
    """Whether another cluster is meant now, which replaces every object; by the official rules."""
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    was, is_now = old.get("clusterIdentifier"), new.get("clusterIdentifier")
    replacing = ["clusterIdentifier"] if was and is_now and was != is_now else []
    if not is_now or was != is_now:
        replacing += [key for key in CLUSTER_KEYS if new.get(key) is UNKNOWN]
        before, after = (active_cluster(_choice(stated), environ) for stated in (old, new))
        if before and after and before != after:
            replacing += [key for key in CLUSTER_KEYS if key in keys]
    return pb.DiffResponse(
        changes=pb.DiffResponse.DIFF_SOME if keys else pb.DiffResponse.DIFF_NONE,
        diffs=keys,
        replaces=list(dict.fromkeys(replacing)),
    )


def _choice(stated: Mapping[str, object]) -> Choice:
    return Choice(*(text(stated.get(key)) for key in CLUSTER_KEYS))


def _needs_the_name(old: Mapping[str, object], new: Mapping[str, object]) -> bool:
    """Whether old and new cannot exist side by side: both have one name that the program gave."""
    is_same_name = all(
        at(old, "metadata", key) == at(new, "metadata", key) for key in ("name", "namespace")
    )
    return is_same_name and not is_annotated(new, AUTONAMED)


def _without_namespace(manifest: Mapping[str, object]) -> Mapping[str, object]:
    metadata = mapping(manifest.get("metadata"))
    kept = {key: value for key, value in metadata.items() if key != "namespace"}
    return {**manifest, "metadata": kept}
