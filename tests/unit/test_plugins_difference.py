"""What differs between two versions of a manifest, and which differences replace the object."""

from collections.abc import Mapping

import pytest

from rehearsal.plugins.difference import changes
from rehearsal.plugins.kubernetes_provider.objects import Kind
from rehearsal.plugins.kubernetes_provider.replacement import (
    Mutability,
    replaces,
    replacing_fields,
)
from rehearsal.plugins.paths import (
    MISSING,
    Path,
    parsed,
    value_at,
    with_value,
    written,
)
from rehearsal.plugins.values import UNKNOWN

DEPLOYMENT = Kind("apps", "v1", "Deployment")
SECRET = Kind("", "v1", "Secret")
CONFIG_MAP = Kind("", "v1", "ConfigMap")
CLAIM = Kind("", "v1", "PersistentVolumeClaim")


def told(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, str]:
    return {str(change): change.change for change in changes(old, new)}


def test_each_field_that_differs_is_named() -> None:
    old = {"a": 1, "b": {"c.d": 2, "e": 3}, "f": [{"g": 1}, {"g": 2}]}
    new = {"b": {"c.d": 3, "e": 3, "h": 4}, "f": [{"g": 1}, {"g": 5}, {"g": 6}]}

    assert told(old, new) == {
        "a": "delete",
        'b["c.d"]': "update",
        "b.h": "add",
        "f[1].g": "update",
        "f[2]": "add",
    }


def test_the_same_number_written_otherwise_is_no_difference() -> None:
    assert told({"a": 1}, {"a": 1.0}) == {}
    assert told({"a": 1}, {"a": True}) == {"a": "update"}


def test_a_value_still_unknown_may_differ() -> None:
    assert told({"a": 1}, {"a": UNKNOWN, "b": UNKNOWN}) == {"a": "update", "b": "add"}


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        (DEPLOYMENT, ("metadata", "name"), True),
        (DEPLOYMENT, ("metadata", "labels", "app"), False),
        (DEPLOYMENT, ("spec", "selector", "matchLabels", "app"), True),
        (DEPLOYMENT, ("spec", "template", "spec", "containers", 0, "image"), False),
        (CLAIM, ("spec", "storageClassName"), True),
        (CLAIM, ("spec", "resources", "requests", "storage"), False),
        (SECRET, ("data", "token"), True),
        (SECRET, ("stringData",), True),
        (CONFIG_MAP, ("data", "settings.json"), True),
        (Kind("batch", "v1", "Job"), ("spec", "template", "spec", "restartPolicy"), True),
        (Kind("", "v1", "Service"), ("spec", "clusterIP"), True),
        (Kind("", "v1", "Service"), ("spec", "ports", 0, "port"), False),
        (Kind("", "v1", "Pod"), ("spec", "containers", 1, "env", 0, "value"), True),
        (Kind("keda.sh", "v1alpha1", "ScaledObject"), ("spec", "triggers"), False),
    ],
)
def test_what_the_api_server_would_refuse_replaces_the_object(
    *, kind: Kind, path: Path, expected: bool
) -> None:
    assert replaces(path, replacing_fields(kind, {}, Mutability())) is expected


@pytest.mark.parametrize("kind", [SECRET, CONFIG_MAP])
def test_data_change_in_place_where_configured_unless_the_object_is_immutable(kind: Kind) -> None:
    mutable = Mutability(config_maps=True, secrets=True)

    assert not replaces(("data", "a"), replacing_fields(kind, {}, mutable))
    assert replaces(("data", "a"), replacing_fields(kind, {"immutable": True}, mutable))


@pytest.mark.parametrize(
    "path", [("spec", "ports", 0, "name"), ("metadata", "labels", "app.io/name"), ("a", 'b"c')]
)
def test_a_path_is_written_and_read_alike(path: Path) -> None:
    assert parsed(written(path)) == path


def test_a_value_is_set_only_where_the_path_leads() -> None:
    manifest = {"spec": {"ports": [{"port": 1}]}}

    assert with_value(manifest, parsed("spec.ports[0].port"), 2) == {
        "spec": {"ports": [{"port": 2}]}
    }
    assert with_value(manifest, parsed("spec.missing.port"), 2) == manifest
    assert value_at(manifest, parsed("spec.ports[3].port")) is MISSING
