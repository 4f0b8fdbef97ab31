"""What the dashboards of a stack show, and that Grafana can read it."""

import json
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard as GrafanaDashboard
from prometheus_client import CollectorRegistry

from infra.alerts import alert_groups
from infra.config import load_file
from infra.dashboards import dashboards
from infra.dashboards.panel import Panel
from infra.dashboards.places import dashboard_url, page_of
from infra.manifests.prometheus_rule import prometheus_rule
from infra.models.fleet import FleetConfig
from tests.unit.aws_stage import changed
from tests.unit.dashboard_panels import expressions, metrics, panels, parsed
from tests.unit.recorder import ROOT
from worker_image.metrics import TaskMetrics
from worker_image.metrics_beat import BeatMetrics
from worker_image.metrics_janitor import JanitorMetrics

PROD = load_file(ROOT / "Pulumi.prod.yaml")
STACKS = [*sorted((ROOT / "stacks").glob("*.yaml")), *sorted(ROOT.glob("Pulumi.[ps]*.yaml"))]
CONFIGS = {path.stem: load_file(path) for path in STACKS}
LIBRARY = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


@pytest.fixture(params=CONFIGS)
def config(request: pytest.FixtureRequest) -> FleetConfig:
    """Each stack of the repository."""
    return CONFIGS[request.param]


def all_panels(config: FleetConfig) -> list[Panel]:
    return [p for page in dashboards(config, "x") for row in page.rows for p in row.panels]


def lost(ours: Any, kept: Any, where: str = "") -> list[str]:
    """What of a document is not in another, or other there."""
    if isinstance(ours, dict) and isinstance(kept, dict):
        return [e for k, v in ours.items() for e in lost(v, kept.get(k, ...), f"{where}.{k}")]
    if isinstance(ours, list) and isinstance(kept, list) and len(ours) == len(kept):
        pairs = enumerate(zip(ours, kept, strict=True))
        return [e for i, (v, w) in pairs for e in lost(v, w, f"{where}[{i}]")]
    return [] if ours == kept else [f"{where}: {ours!r} became {kept!r}"]


def test_grafanas_own_types_keep_all_that_is_written(config: FleetConfig) -> None:
    register_default_plugins()
    for name, document in parsed(config).items():
        read = GrafanaDashboard.from_json(json.loads(json.dumps(document)))
        assert lost(document, json.loads(JSONEncoder().encode(read)), name) == []


def test_grafanas_own_types_drop_what_they_do_not_know() -> None:
    register_default_plugins()
    document = parsed(PROD)["overview"]
    panels(document)[0]["options"]["colourMode"] = "value"

    read = GrafanaDashboard.from_json(json.loads(json.dumps(document)))
    assert lost(document, json.loads(JSONEncoder().encode(read)))


def test_pages_and_panels_can_be_told_apart(config: FleetConfig) -> None:
    documents = parsed(config)
    uids = [document["uid"] for document in documents.values()]

    assert len(set(uids)) == len(uids)
    assert all(len(uid) <= 40 for uid in uids)
    for document in documents.values():
        ids = [panel["id"] for panel in document["panels"]]
        assert len(set(ids)) == len(ids)


def test_uids_stay_the_same_for_a_stack_and_differ_between_stacks() -> None:
    uids = {name: document["uid"] for name, document in parsed(PROD).items()}
    # As long as the names of its broker's users let it be.
    longest = changed("prod", namespace="n" * 31)

    assert uids["overview"] == "fleet-c07b71b79356"
    assert uids["overview"] != parsed(longest)["overview"]["uid"]


def test_every_panel_has_a_unit_a_description_and_a_place_of_its_own(config: FleetConfig) -> None:
    for name, document in parsed(config).items():
        taken: set[tuple[int, int]] = set()
        for panel in document["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken, (name, panel["title"])
            assert place["x"] + place["w"] <= 24
            taken |= cells
        for panel in panels(document):
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
            assert len(panel["description"]) > 5, panel["title"]
            assert panel["targets"]


def test_every_panel_asks_the_prometheus_that_is_chosen(config: FleetConfig) -> None:
    for document in parsed(config).values():
        (variable,) = document["templating"]["list"]
        assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
        for panel in panels(document):
            for asked in (panel, *panel["targets"]):
                assert asked["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_every_expression_is_about_its_own_stack(config: FleetConfig) -> None:
    everyones = {"DCGM_FI_DEV_", "kube_node_status_allocatable", "ALERTS"}
    own = f'namespace="{config.namespace}"'
    for where, expression in expressions(config):
        named = metrics(expression)
        if not any(metric.startswith(tuple(everyones)) for metric in named):
            assert own in expression or named == set(), where


def told(registry: CollectorRegistry) -> set[str]:
    """Names of the series that a registry will tell."""
    families = registry.collect()
    return {f"{f.name}{end}" for f in families for end in LIBRARY.get(f.type, ())}


def test_every_metric_of_ours_is_one_that_a_pod_tells(config: FleetConfig) -> None:
    known = (
        told(TaskMetrics().registry)
        | told(JanitorMetrics().registry)
        | told(BeatMetrics().registry)
    )
    asked = {m for _, e in expressions(config) for m in metrics(e) if m.startswith("fleet_")}

    assert asked
    assert asked <= known


def test_each_queue_has_a_page_with_its_own_bounds() -> None:
    queues = {name: queue.model_dump(by_alias=True) for name, queue in PROD.queues.items()}
    queues["labeling"]["alert"] = {"pending": 7, "forMinutes": 3}
    queues["labeling"]["objective"]["toleratedWaitSeconds"] = 41
    before, after = parsed(PROD), parsed(changed("prod", queues=queues))

    page = {panel["title"]: panel for panel in panels(after["queue-labeling"])}
    assert page["Wait"]["targets"][-1]["expr"] == "vector(41)"
    drawn = page["Waiting"]["fieldConfig"]["defaults"]
    assert drawn["thresholds"]["steps"][1] == {"color": "red", "value": 7}
    assert drawn["custom"]["thresholdsStyle"] == {"mode": "dashed"}
    assert {name for name in before if before[name] != after[name]} == {
        "overview",
        "queue-labeling",
    }


def test_the_overview_has_a_row_for_each_queue_that_leads_to_its_page() -> None:
    documents = parsed(PROD)
    table = next(p for p in panels(documents["overview"]) if p["title"].startswith("Queues"))
    waiting = table["targets"][0]["expr"]

    for queue in PROD.queues:
        assert f'"queue", "{queue}", "", "")' in waiting
        assert f'"dashboard", "{documents[f"queue-{queue}"]["uid"]}", "", "")' in waiting
    links = [o for o in table["fieldConfig"]["overrides"] if o["properties"][0]["id"] == "links"]
    assert links[0]["properties"][0]["value"][0]["url"] == "/d/${__data.fields.dashboard}"


def test_pages_link_to_one_another() -> None:
    documents = parsed(PROD)
    for name, document in documents.items():
        addresses = {link["url"].removeprefix("/d/") for link in document["links"] if link["url"]}
        (menu,) = (link for link in document["links"] if link["asDropdown"])
        by_menu = {d["uid"] for d in documents.values() if set(menu["tags"]) <= set(d["tags"])}

        everything = {d["uid"] for d in documents.values()}
        assert addresses | by_menu | {document["uid"]} == everything, name


def test_runbooks_are_linked_where_they_have_an_address() -> None:
    url = "https://docs.test/runbooks"
    linked = changed("prod", monitoring={"kind": "release", "runbooksUrl": url})
    backlog = next(p for p in panels(parsed(linked)["queue-scraping"]) if p["title"] == "Waiting")
    plain = next(p for p in panels(parsed(PROD)["queue-scraping"]) if p["title"] == "Waiting")

    assert backlog["links"][0]["url"] == f"{url}/CeleryQueueBacklog.md"
    assert plain["links"] == []
    assert "`docs/runbooks/CeleryQueueBacklog.md`" in plain["description"]


def test_panels_name_only_alerts_that_there_are(config: FleetConfig) -> None:
    pages = {path.stem for path in Path(ROOT / "docs/runbooks").glob("*.md")}

    assert {alert for panel in all_panels(config) for alert in panel.alerts} <= pages


def test_alerts_lead_to_the_page_of_what_they_tell_of(config: FleetConfig) -> None:
    names = {page.name for page in dashboards(config, "x")}
    rules = [rule for group in alert_groups(config) for rule in group.rules]

    assert {page_of(config, rule) for rule in rules} <= names
    for rule in rules:
        if rule.labels.get("queue") in config.queues:
            assert page_of(config, rule) == f"queue-{rule.labels['queue']}"
        assert dashboard_url(config, rule) is None


def test_an_alert_has_an_address_where_grafana_has_one() -> None:
    monitoring = {"kind": "release", "grafanaUrl": "https://grafana.test/a"}
    rendered = prometheus_rule(changed("prod", monitoring=monitoring), "x")["groups"]
    addresses = {r["annotations"]["dashboard_url"] for g in rendered for r in g["rules"]}
    without = [r for g in prometheus_rule(PROD, "x")["groups"] for r in g["rules"]]

    uids = {document["uid"] for document in parsed(PROD).values()}
    assert addresses <= {f"https://grafana.test/a/d/{uid}" for uid in uids}
    assert len(addresses) > len(PROD.queues)
    assert not any("dashboard_url" in rule["annotations"] for rule in without)
