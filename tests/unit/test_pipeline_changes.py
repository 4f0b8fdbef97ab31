"""Out of Pulumi's event log: what would change, what the policies say, and no value of anything."""

import json
from typing import Any

from fleet.pipeline.changes import Breach, Step, parse, read

URN = "urn:pulumi:staging::celery-fleet::{}::{}"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"


def step(op: str, name: str, kind: str = DEPLOYMENT, **more: Any) -> dict[str, Any]:
    metadata = {"op": op, "urn": URN.format(kind, name), "type": kind, **more}
    return {"resourcePreEvent": {"metadata": metadata, "planning": True}}


def summary(**counts: int) -> dict[str, Any]:
    return {
        "summaryEvent": {
            "resourceChanges": counts,
            "PolicyPacks": {"celery|local|/w/policy": "0.1.0"},
        }
    }


def test_each_resource_that_would_change_is_a_step_with_its_paths() -> None:
    diff = {"spec.template.spec.image": {"diffKind": "update"}, "metadata.labels": {}}
    seen = read(
        [
            step("same", "beat"),
            step("update", "worker-default", detailedDiff=diff),
            step("create", "worker-new"),
            step("refresh", "api"),
            summary(same=40, update=1, create=1),
        ]
    )

    assert [(s.op, s.name, s.paths) for s in seen.steps] == [
        ("update", "worker-default", ("metadata.labels", "spec.template.spec.image")),
        ("create", "worker-new", ()),
    ]
    assert seen.unchanged == 40
    assert seen.packs == ("celery 0.1.0",)
    assert seen.complete


def test_a_replacement_is_one_change_and_engines_own_resources_are_none() -> None:
    seen = read(
        [
            step("create", "celery-fleet-staging", "pulumi:pulumi:Stack"),
            step("create", "default_4_34_0", "pulumi:providers:random"),
            step("update", "staging", "pulumi:providers:aws"),
            step("create-replacement", "broker"),
            step("replace", "broker", diffs=["engine"]),
            step("delete-replaced", "broker"),
        ]
    )

    assert [(s.op, s.name) for s in seen.steps] == [("update", "staging"), ("replace", "broker")]
    assert seen.counts == {"replace": 1, "update": 1}
    assert not seen.complete


def test_no_value_of_a_resource_is_kept() -> None:
    value = "db-7.internal.example"
    states: dict[str, Any] = {
        "old": {"inputs": {"host": value}},
        "new": {"inputs": {"host": value}},
    }

    seen = read([step("update", "settings", detailedDiff={"data.host": {}}, **states)])

    assert value not in repr(seen)


def test_two_previews_have_one_digest_only_if_they_would_do_the_same() -> None:
    def digest(value: int, op: str = "update") -> str:
        events = [step("create", "b"), step(op, "a", new={"inputs": {"max": value}})]
        return read(events).digest

    assert digest(10) == digest(10)
    assert len({digest(10), digest(20), digest(10, "replace")}) == 3
    assert (
        read([step("create", "a"), step("create", "b")]).digest
        == read([step("create", "b"), step("create", "a")]).digest
    )


def test_a_policy_that_is_not_kept_is_told_once_in_plain_text() -> None:
    event = {
        "policyEvent": {
            "resourceUrn": URN.format(DEPLOYMENT, "mailer"),
            "message": "<{%fg 1%}>A pod uses nothing of its host.\x1b[0m\n",
            "policyName": "pod-no-host-access",
            "enforcementLevel": "mandatory",
        }
    }

    seen = read([event, event])

    told = "A pod uses nothing of its host."
    assert seen.breaches == (Breach("pod-no-host-access", "mandatory", "mailer", told),)


def test_an_error_is_told_with_its_resource_and_without_the_engines_echo() -> None:
    def error(message: str, name: str = "") -> dict[str, Any]:
        urn = URN.format(DEPLOYMENT, name) if name else ""
        return {"diagnosticEvent": {"severity": "error", "message": message, "urn": urn}}

    warning = {"diagnosticEvent": {"severity": "warning", "message": "using pulumi from PATH"}}
    seen = read([warning, error("no such image\n", "worker"), error("preview failed", "stack")])

    assert seen.errors == ("worker: no such image",)


def test_a_log_that_a_killed_engine_cut_off_is_read_as_far_as_it_goes() -> None:
    log = json.dumps(step("create", "beat")) + '\n{"resourcePreEvent": {"meta'

    assert [each.name for each in read(parse(log)).steps] == ["beat"]
    assert Step("create", DEPLOYMENT, "beat").paths == ()
