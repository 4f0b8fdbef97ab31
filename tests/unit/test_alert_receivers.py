"""Who hears of alerts is stated without a secret, or refused with the key and the reason."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from fleet.receiver_checks import receivers
from fleet.session import Session
from infra.config import ConfigError, load_file
from infra.models.receivers import Receivers
from tests.unit.aws_stage import changed, rendered, stack
from tests.unit.recorder import IMAGINEER, ROOT, imagineer, render

PLAIN = "https://hooks.slack.test/T0/B0/not-to-be-told"
SECRET = {"secret": "alert-receivers", "key": "slack"}
SLACK = {"kind": "slack", "url": SECRET, "channel": "#fleet"}
SNS = {"kind": "sns"}


def monitoring(**receivers: Any) -> dict[str, Any]:
    return {"kind": "existing", "rules": True, "receivers": receivers}


def refusal(tmp_path: Path, base: Path, **receivers: Any) -> str:
    document = yaml.safe_load(base.read_text())
    document["config"]["celery-fleet:monitoring"] = monitoring(**receivers)
    path = tmp_path / "Pulumi.broken.yaml"
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(ConfigError) as refused:
        load_file(path)
    return str(refused.value)


@pytest.mark.parametrize(
    ("receivers", "told"),
    [
        ({"page": [{"kind": "pager"}]}, "monitoring.receivers.page.0.kind is 'pager', not 'pag"),
        ({"page": [{"url": SECRET}]}, "monitoring.receivers.page.0.kind is missing"),
        ({"pages": []}, "monitoring.receivers.pages is not a known key; is it misspelt?"),
        (
            {"page": [{"kind": "pagerduty"}]},
            "monitoring.receivers.page.0.pagerduty.routingKey is missing",
        ),
        (
            {"page": [SLACK | {"channel": "fleet"}]},
            "monitoring.receivers.page.0.slack.channel is 'fleet'",
        ),
        (
            {"page": [{"kind": "webhook", "url": {"secret": "Alert", "key": "k"}}]},
            "monitoring.receivers.page.0.webhook.url.secret is 'Alert'",
        ),
        (
            {"page": [SNS | {"topicArn": "alarms"}]},
            "monitoring.receivers.page.0.sns.topicArn is 'alarms'",
        ),
        (
            {"ticket": [SLACK]},
            "receivers.page is empty and ticket is not: tier prod pages, and its pages would reach",
        ),
    ],
)
def test_a_wrong_receiver_is_refused_with_its_key(
    tmp_path: Path, receivers: dict[str, Any], told: str
) -> None:
    assert told in refusal(tmp_path, ROOT / "Pulumi.prod.yaml", **receivers)


def test_a_secret_in_plain_is_refused_and_not_repeated(tmp_path: Path) -> None:
    told = refusal(tmp_path, ROOT / "Pulumi.prod.yaml", page=[SLACK | {"url": PLAIN}])

    assert "monitoring.receivers.page.0.slack.url: a secret in plain" in told
    assert PLAIN not in told


def test_a_tier_that_never_pages_takes_no_receiver_of_pages(tmp_path: Path) -> None:
    told = refusal(tmp_path, ROOT / "Pulumi.staging.yaml", page=[SLACK], ticket=[SLACK])

    assert "monitoring.receivers.page is without effect in tier staging" in told


def test_a_stack_without_a_topic_of_its_own_has_to_name_one(tmp_path: Path) -> None:
    assert "lacks topicArn" in refusal(tmp_path, IMAGINEER, ticket=[SNS])

    other = SNS | {"topicArn": "arn:aws:sns:eu-west-1:123456789012:ours"}
    assert imagineer(monitoring=monitoring(ticket=[other])).monitoring.receivers.stated


def test_nobody_is_told_unless_someone_is_stated() -> None:
    assert not Receivers().stated
    assert not render(imagineer(monitoring=monitoring())).of_kind("AlertmanagerConfig")


def test_secrets_are_named_where_the_operator_reads_them_and_nowhere_else() -> None:
    found = render(imagineer(monitoring=monitoring(ticket=[SLACK])))
    (placed,) = found.of_kind("AlertmanagerConfig").values()
    (receiver,) = (r for r in placed["spec"]["receivers"] if r["name"] == "ticket")

    assert placed["metadata"]["namespace"] == "celery-fleet-local"
    assert receiver["slackConfigs"][0]["apiURL"] == {"name": "alert-receivers", "key": "slack"}
    assert not [
        r
        for r in found.resources
        if r.inputs.get("kind") == "Secret" and SECRET["secret"] in json.dumps(r.inputs["metadata"])
    ]


def test_prod_tells_the_topic_of_cloudwatchs_alarms() -> None:
    prod = stack("prod")
    topic = next(iter(prod.of("MetricAlarm").values())).inputs["alarmActions"]
    routes = prod.one("AlertmanagerConfig")
    told = {r["name"]: r.get("snsConfigs", []) for r in routes.inputs["spec"]["receivers"]}

    assert {name: [each["topicARN"] for each in sent] for name, sent in told.items()} == {
        "silent": [],
        "page": topic,
        "ticket": topic,
    }
    assert told["page"][0]["sigv4"] == {"region": "us-east-1"}
    assert prod.outputs["alarm_topic"] == topic[0]


def test_alertmanager_may_publish_to_that_topic_before_its_pod_starts() -> None:
    prod = stack("prod")
    policy = json.loads(prod.of("RolePolicy")["cluster-alertmanager"].inputs["policy"])
    allowed = {each["Resource"][0]: each["Action"] for each in policy["Statement"]}
    association = prod.of("PodIdentityAssociation")["cluster-alertmanager"]
    release = prod.of("Release")["kube-prometheus-stack"]

    assert allowed == {
        prod.of("Topic")["alarms"].inputs.get("arn", "arn:aws:sns:us-east-1:123456789012:alarms"): [
            "sns:Publish"
        ],
        "arn:aws:kms:us-east-1:123456789012:data": ["kms:Decrypt", "kms:GenerateDataKey"],
    }
    account = release.inputs["values"]["alertmanager"]["serviceAccount"]["name"]
    told = (association.inputs["namespace"], association.inputs["serviceAccount"])
    assert told == (release.inputs["namespace"], account)
    assert association.urn in prod.before(release.urn)


def test_a_stack_whose_alerts_go_elsewhere_gives_alertmanager_no_role() -> None:
    config = changed("prod", monitoring=monitoring(page=[SLACK]) | {"kind": "release"})

    assert "cluster-alertmanager" not in rendered(config).of("PodIdentityAssociation")


@pytest.mark.parametrize(
    ("there", "problem"),
    [
        (None, "it is missing"),
        ({"pagerduty": "value-not-to-be-told"}, "it lacks key slack"),
        ({"slack": "value-not-to-be-told"}, None),
    ],
)
def test_doctor_looks_for_the_secrets_without_telling_them(
    there: dict[str, str] | None, problem: str | None
) -> None:
    config = imagineer(monitoring=monitoring(ticket=[SLACK, SLACK | {"channel": "#other"}]))
    asked = []

    def secret(namespace: str, name: str) -> dict[str, str] | None:
        asked.append((namespace, name))
        return there

    session = SimpleNamespace(config=config, cluster=SimpleNamespace(secret=secret))
    (finding,) = receivers(cast("Session", session))

    assert asked == [("celery-fleet-local", "alert-receivers")]
    assert finding.problem == problem
    assert "not-to-be-told" not in f"{finding}"
