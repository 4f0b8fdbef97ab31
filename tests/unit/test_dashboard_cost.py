"""What dashboards tell of costs and GPUs: only where there are any, and as the plan counts."""

from infra.config import load_file
from infra.sizing.price import pod_usd_per_hour
from tests.unit.aws_stage import changed
from tests.unit.dashboard_panels import expressions, panels, parsed
from tests.unit.recorder import ROOT

PROD = load_file(ROOT / "Pulumi.prod.yaml")


def test_gpus_and_costs_are_shown_only_where_there_are_any() -> None:
    groups = {name: g.model_dump(by_alias=True) for name, g in PROD.node_groups.items()}
    workers = {name: w.model_dump(by_alias=True) for name, w in PROD.workers.items()}
    workers["training"] |= {"nodeGroup": "cpu"}
    workers["training"]["resources"]["gpu"] = 0
    bare = changed("prod", nodeGroups={"cpu": groups["cpu"]}, workers=workers, prices={})

    assert {"gpu", "cost"} <= set(parsed(PROD))
    assert {"gpu", "cost"}.isdisjoint(parsed(bare))
    assert not any("DCGM" in expression for _, expression in expressions(bare))


def test_a_pod_costs_what_the_plan_says() -> None:
    worker = PROD.workers["training"]
    usd = pod_usd_per_hour(worker.resources, PROD.node_groups["gpu"], PROD.prices)
    (cost,) = (p for p in panels(parsed(PROD)["queue-training"]) if p["title"] == "Cost now")

    (target,) = cost["targets"]
    assert target["expr"].startswith("max(kube_deployment_status_replicas{")
    assert target["expr"].endswith(f"* {usd:.6g}")


def test_queues_of_one_worker_share_its_cost() -> None:
    queues = ("default", "labeling")
    workers = {name: w.model_dump(by_alias=True) for name, w in PROD.workers.items()}
    shared = {name: worker for name, worker in workers.items() if name not in queues}
    shared["both"] = {**workers["labeling"], "queues": list(queues)}
    found = dict(expressions(changed("prod", workers=shared)))

    assert "or vector(0.5)" in found["queue-default/Cost now/A"]
    assert 'queue=~"default|labeling"' in found["queue-default/Cost now/A"]
    assert "vector" not in found["queue-scraping/Cost now/A"]
