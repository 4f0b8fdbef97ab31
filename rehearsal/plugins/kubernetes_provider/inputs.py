"""Completes what a program asks for: a name, a namespace, marks on secret values."""

from collections.abc import Mapping

from rehearsal.errors import RehearsalError
from rehearsal.plugins.kubernetes_provider.objects import (
    AUTONAMED,
    annotations,
    is_annotated,
    mapping,
    text,
)
from rehearsal.plugins.naming import Naming
from rehearsal.plugins.values import Secret, plain

Inputs = dict[str, object]

SUFFIX_HEX_DIGITS = 8
READ_ONLY = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)
# kubectl keeps the whole object in it, a Secret's data included.
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class ObjectNaming(Naming):
    """How an object without `metadata.name` gets one."""

    def name(self) -> str:
        if self.is_disabled:
            raise RehearsalError(
                f"{self.logical} has no metadata.name",
                "pulumi:autonaming is disabled for this stack",
                "set metadata.name",
            )
        return self.proposed or f"{self.logical}{self.suffix(SUFFIX_HEX_DIGITS)}"


def completed(news: Inputs, olds: Inputs, naming: ObjectNaming, namespace: str) -> Inputs:
    """The inputs to keep: named, in `namespace` unless they say which, nothing read-only."""
    metadata = news.get("metadata", {})
    if isinstance(metadata, Secret) and isinstance(metadata.value, dict):
        news = news | {"metadata": Secret(_metadata(metadata.value, olds, naming, namespace))}
    elif isinstance(metadata, dict):
        news = news | {"metadata": _metadata(metadata, olds, naming, namespace)}
    return with_secret_data(news)


def with_secret_data(values: Inputs) -> Inputs:
    """A v1 Secret's data are secret, whether or not the program marked them."""
    if values.get("kind") != "Secret" or values.get("apiVersion") != "v1":
        return values
    marked = {key: _secret(values[key]) for key in ("data", "stringData") if key in values}
    if LAST_APPLIED not in annotations(values):
        return values | marked
    metadata = mapping(values["metadata"])
    kept = mapping(metadata["annotations"])
    hidden = {**kept, LAST_APPLIED: _secret(kept[LAST_APPLIED])}
    return values | marked | {"metadata": {**metadata, "annotations": hidden}}


def without_read_only(metadata: Mapping[str, object]) -> Inputs:
    return {key: value for key, value in metadata.items() if key not in READ_ONLY}


def _metadata(
    given: Mapping[str, object], olds: Inputs, naming: ObjectNaming, namespace: str
) -> Mapping[str, object]:
    metadata = without_read_only(given)
    if "generateName" in metadata and "name" not in metadata:
        raise RehearsalError(
            f"{naming.logical} sets metadata.generateName",
            "server-side apply needs a name, as with the official Kubernetes plugin",
            "set metadata.name, or leave both out for a name made of the resource's own",
        )
    if "name" not in metadata:
        metadata["name"] = _kept_name(olds) or naming.name()
        noted = metadata.get("annotations", {})
        if isinstance(noted, dict):
            metadata["annotations"] = {**noted, AUTONAMED: "true"}
    if namespace and not metadata.get("namespace"):
        metadata["namespace"] = namespace
    return metadata


def _kept_name(olds: Inputs) -> str:
    """The name made at the first `up`; one that a program once gave is not taken over."""
    before = mapping(plain(olds))
    is_made = is_annotated(before, AUTONAMED)
    return text(mapping(before.get("metadata")).get("name")) if is_made else ""


def _secret(value: object) -> Secret:
    return value if isinstance(value, Secret) else Secret(value)
