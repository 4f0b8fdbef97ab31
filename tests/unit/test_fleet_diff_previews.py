"""The previews of Pulumi that `fleet diff` reads: what it takes, and what it refuses."""

import json

import pytest

from fleet.difference import preview
from fleet.difference.report import report
from rehearsal.errors import RehearsalError
from tests.unit import preview_of


def test_an_aws_resource_that_changes_in_place_is_told_by_name() -> None:
    kind = "aws:elasticache/replicationGroup:ReplicationGroup"
    ends: list[preview_of.Resources] = [
        {(kind, "cache"): {"nodeType": f"cache.{each}"}} for each in ("t4g.small", "m7g.large")
    ]
    steps = preview.read(json.dumps(preview_of.document(ends[0], ends[1])), "test")
    found = report(steps, [], None)

    assert found.lines == ("ReplicationGroup cache: nodeType cache.t4g.small -> cache.m7g.large",)
    gone = preview.read(json.dumps(preview_of.document(ends[0], {})), "test")
    (told,) = report(gone, [], None).dangers
    assert told.startswith("ReplicationGroup cache is DELETED: the broker goes")


def test_the_parts_of_a_replacement_are_one_step() -> None:
    urn = "urn:pulumi:s::celery-fleet::kubernetes:core/v1:Namespace::namespace"
    parts = [
        {"op": "create-replacement", "urn": urn, "newState": {"inputs": {"a": 2}}},
        {"op": "replace", "urn": urn, "replaceReasons": ["a"]},
        {"op": "delete-replaced", "urn": urn, "oldState": {"inputs": {"a": 1}}},
    ]
    (step,) = preview.read(json.dumps({"steps": parts}), "test")

    assert (step.op, step.old, step.new, step.forcing) == ("replace", {"a": 1}, {"a": 2}, ("a",))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("not json", "not what `pulumi preview --json` prints"),
        ("[]", "not what `pulumi preview --json` prints"),
        ('{"steps": [{"op": "update"}]}', "not what `pulumi preview --json` prints"),
        (
            '{"steps": [], "diagnostics": [{"severity": "error", "message": "queus is unknown"}]}',
            "queus is unknown",
        ),
    ],
)
def test_what_is_no_preview_or_a_failed_one_is_refused(text: str, told: str) -> None:
    with pytest.raises(RehearsalError, match=told):
        preview.read(text, "preview.json")
