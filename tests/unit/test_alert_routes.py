"""Where alerts go and what silences what, held to the rules that there are."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from fleet import alert_file
from fleet.cli import app
from fleet.project import Project
from infra.alerts.routes import routing
from infra.alerts.routes.inhibition import Inhibition, Matcher, inhibitions
from infra.config import load_file
from infra.manifests.alertmanager_config import alertmanager_config
from infra.manifests.alertmanager_file import routes_file
from infra.manifests.prometheus_rule import prometheus_rule
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError
from tests.unit.aws_stage import changed
from tests.unit.recorder import ROOT, imagineer

TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"
SECRET = {"secret": "alert-receivers", "key": "key"}
EVERY_KIND = {
    "page": [{"kind": "pagerduty", "routingKey": SECRET}, {"kind": "sns"}],
    "ticket": [
        {"kind": "slack", "url": SECRET, "channel": "#fleet"},
        {"kind": "webhook", "url": SECRET},
        {"kind": "sns", "topicArn": "arn:aws:sns:eu-west-1:123456789012:tickets"},
    ],
}
PROD = load_file(ROOT / "Pulumi.prod.yaml")
Labels = dict[str, str]


def with_every_kind() -> FleetConfig:
    return changed("prod", monitoring={"kind": "release", "receivers": EVERY_KIND})


def alerts(config: FleetConfig = PROD) -> list[Labels]:
    """The labels that each rule's alert has, its name among them."""
    groups = prometheus_rule(config, "prod")["groups"]
    return [{"alertname": r["alert"], **r["labels"]} for g in groups for r in g["rules"]]


def matches(matchers: tuple[Matcher, ...], labels: Labels) -> bool:
    return all(re.fullmatch(each.value, labels.get(each.label, "")) for each in matchers)


def silenced(rule: Inhibition) -> Iterator[tuple[Labels, Labels]]:
    """Each pair of alerts of which the first silences the second."""
    causes = [each for each in alerts() if matches(rule.cause, each)]
    for cause in causes:
        for target in alerts():
            equal = all(cause.get(each, "") == target.get(each, "") for each in rule.equal)
            if matches(rule.silenced, target) and equal and target != cause:
                yield cause, target


@pytest.mark.parametrize("rule", list(inhibitions(PROD)), ids=lambda r: str(r.cause[1:]))
def test_an_inhibition_is_of_alerts_that_there_are(rule: Inhibition) -> None:
    names = {each["alertname"] for each in alerts()}

    for matcher in (*rule.cause, *rule.silenced):
        if matcher.label == "alertname":
            assert set(matcher.values) <= names
    assert list(silenced(rule)), "it silences nothing"


def test_a_ticket_never_silences_a_page() -> None:
    for rule in inhibitions(PROD):
        for cause, target in silenced(rule):
            assert (cause["severity"], target["severity"]) != ("ticket", "page"), (cause, target)


def test_no_two_alerts_silence_each_other() -> None:
    pairs = {
        (tuple(sorted(cause.items())), tuple(sorted(target.items())))
        for rule in inhibitions(PROD)
        for cause, target in silenced(rule)
    }

    assert not {(b, a) for a, b in pairs} & pairs


def test_what_may_say_why_the_broker_went_is_told_while_it_is_away() -> None:
    quiet = {
        target["alertname"]
        for rule in inhibitions(PROD)
        for cause, target in silenced(rule)
        if cause["alertname"] == "RedisDown"
    }

    told = {each["alertname"] for each in alerts()} - quiet
    assert {"RedisMemory", "RedisEvictions", "RedisConnections", "RedisReplication"} <= told
    assert {"CeleryQueueDeadLetters", "CeleryScalerPaused", "NodeGroupCannotLaunch"} <= told
    assert {"CeleryQueueBacklog", "CeleryJanitorSilent", "KedaScalerErrors"} <= quiet


def test_every_alert_has_the_labels_that_routes_look_at() -> None:
    for each in alerts():
        assert each["namespace"] == "imagineer-prod"
        assert each["severity"] in {"page", "ticket"}


def test_an_unscraped_worker_silences_the_idleness_of_its_own_queues_alone() -> None:
    found = {
        (cause["exporter"], target["queue"])
        for rule in inhibitions(PROD)
        for cause, target in silenced(rule)
        if cause["alertname"] == "ExporterDown"
    }

    assert found == {(f"worker-{name}", name) for name in PROD.workers}


def test_a_tier_that_does_not_page_has_no_route_for_pages() -> None:
    ticket = EVERY_KIND["ticket"]
    monitoring = {"kind": "existing", "rules": True, "receivers": {"ticket": ticket}}
    preview = imagineer(tier="preview", monitoring=monitoring)

    assert [route.severity for route in routing(preview).routes] == ["ticket"]
    assert {each["severity"] for each in alerts(preview)} == {"ticket"}


def test_file_and_operators_object_say_the_same() -> None:
    found = routing(with_every_kind(), TOPIC)
    file, own = yaml.safe_load(routes_file(found)), alertmanager_config(found)
    (below,) = file["route"]["routes"]

    assert below["matchers"] == texts(own["route"]["matchers"]) == ['namespace="imagineer-prod"']
    assert file["route"]["group_by"] == own["route"]["groupBy"] == ["alertname", "queue", "worker"]
    for theirs, ours in zip(below["routes"], own["route"]["routes"], strict=True):
        assert theirs == {
            "receiver": ours["receiver"],
            "matchers": texts(ours["matchers"]),
            "group_wait": ours["groupWait"],
            "group_interval": ours["groupInterval"],
            "repeat_interval": ours["repeatInterval"],
        }
    for theirs, ours in zip(file["inhibit_rules"], own["inhibitRules"], strict=True):
        assert theirs["source_matchers"] == texts(ours["sourceMatch"])
        assert theirs["target_matchers"] == texts(ours["targetMatch"])
        assert theirs.get("equal") == ours.get("equal")


def texts(matchers: list[Labels]) -> list[str]:
    return [f'{each["name"]}{each["matchType"]}"{each["value"]}"' for each in matchers]


def test_each_kind_of_receiver_is_written_in_the_words_of_its_reader() -> None:
    found = routing(with_every_kind(), TOPIC)
    page, ticket = alertmanager_config(found)["receivers"][1:]
    file = {each["name"]: each for each in yaml.safe_load(routes_file(found))["receivers"]}
    place, path = {"name": "alert-receivers", "key": "key"}, "/etc/alertmanager/secrets/"

    assert page["pagerdutyConfigs"][0]["routingKey"] == place
    assert page["pagerdutyConfigs"][0]["severity"] == "critical"
    assert [each["key"] for each in page["pagerdutyConfigs"][0]["details"]] == ["told"]
    assert page["snsConfigs"][0]["topicARN"] == TOPIC
    assert ticket["slackConfigs"][0]["apiURL"] == ticket["webhookConfigs"][0]["urlSecret"] == place
    assert ticket["snsConfigs"][0]["sigv4"] == {"region": "eu-west-1"}
    assert file["page"]["pagerduty_configs"][0]["routing_key_file"] == f"{path}alert-receivers/key"
    assert file["ticket"]["slack_configs"][0]["api_url_file"] == f"{path}alert-receivers/key"
    assert file["ticket"]["webhook_configs"][0]["url_file"] == f"{path}alert-receivers/key"
    assert file["page"]["sns_configs"][0]["topic_arn"] == TOPIC
    for each in (*page.values(), *ticket.values()):
        assert isinstance(each, str) or all(one["sendResolved"] for one in each)


def test_a_page_is_told_sooner_and_more_often_than_a_ticket() -> None:
    page, ticket = (route.pace for route in routing(with_every_kind(), TOPIC).routes)

    assert page.wait_s < ticket.wait_s
    assert page.interval_s < ticket.interval_s
    assert page.repeat_s < ticket.repeat_s


def test_the_command_writes_the_routes_of_a_stack_file(tmp_path: Path) -> None:
    out, console = tmp_path / "deep" / "alertmanager.yaml", Console(record=True, width=200)
    alert_file.write_routes(Project(ROOT, tmp_path), "prod", out, console, topic_arn=TOPIC)

    assert out.read_text() == routes_file(routing(PROD, TOPIC))
    assert f"wrote receivers 1 of pages, 1 of tickets and {len(list(inhibitions(PROD)))} " in (
        console.export_text()
    )


@pytest.mark.parametrize(
    ("stack", "told"),
    [("prod", "the stack's own topic is not known"), ("baseten", "says of nobody who hears")],
)
def test_the_command_says_what_it_lacks(tmp_path: Path, stack: str, told: str) -> None:
    with pytest.raises(RehearsalError) as refused:
        alert_file.write_routes(
            Project(ROOT, tmp_path), stack, tmp_path / "a", Console(), topic_arn=None
        )

    assert told in refused.value.what
    assert not (tmp_path / "a").exists()


def test_the_command_needs_a_file_to_write() -> None:
    done = CliRunner().invoke(app, ["alerts", "-s", "prod"])

    assert done.exit_code != 0
    assert "--out" in done.output


def test_the_subject_fits_sns_whatever_the_names() -> None:
    longest = max(len(each["alertname"]) for each in alerts())
    notice: dict[str, Any] = routing(PROD, TOPIC).routes[0].notices[0].fields
    bounds = [int(each) for each in re.findall(r'printf "%\.(\d+)s"', notice["subject"])]
    marks = re.sub(r"\{\{.*?\}\}", "", notice["subject"])

    assert len(bounds) == 2
    assert len("RESOLVED") + longest + sum(bounds) + len(marks) <= 100
