"""The comment says what merging does, in what GitHub takes, and can be found again."""

from fleet.pipeline.changes import Breach, Changes, Step
from fleet.pipeline.comment import LIMIT, MARKER, Environment, Told, markdown, summary
from fleet.pipeline.cost import Bill, CostChange

RUN = "https://github.com/acme/fleet/actions/runs/7"
CHANGES = Changes(
    steps=(
        Step("update", "kubernetes:apps/v1:Deployment", "worker-default", ("spec.replicas",)),
        Step("create", "aws:sqs/queue:Queue", "new"),
        Step("delete", "kubernetes:core/v1:Secret", "old"),
        Step("replace", "aws:elasticache/replicationGroup:ReplicationGroup", "broker"),
    ),
    unchanged=150,
    packs=("celery 0.1.0",),
    breaches=(
        Breach("image-by-digest", "advisory", "worker", "not known\nbefore the update"),
        Breach("pod-no-host-access", "mandatory", "mailer", "the pod has hostNetwork"),
    ),
    complete=True,
)
COST = CostChange(after=Bill(310.4, 900.0), before=Bill(295.1, 900.2))


def told(
    changes: Changes | None = CHANGES,
    cost: CostChange | None = COST,
    environment: Environment | None = None,
) -> Told:
    return Told("staging", "0123456789abcdef", RUN, changes, cost, environment)


def test_the_comment_has_all_its_parts_in_order() -> None:
    printed = "api      https://preview-x.example\nqueues   default, scraping"

    body = markdown(told(environment=Environment("up", printed)))

    assert (
        body
        == f"""\
{MARKER}
Commit `0123456789ab` · [run]({RUN})

### Preview environment
```
{printed}
```

### Stack `staging`: 1 to delete, 1 to replace, 1 to update, 1 to create
150 unchanged
<details><summary>Resources</summary>

```diff
~  Deployment worker-default [spec.replicas]
+  Queue new
-  Secret old
+- ReplicationGroup broker
```

</details>

### Policies: 1 broken, 1 advised (celery 0.1.0)
```
[mandatory] pod-no-host-access (mailer): the pod has hostNetwork
[advisory] image-by-digest (worker): not known before the update
```

### Cost, US dollars a month
| | before | after | change |
|---|---:|---:|---:|
| at rest | 295 | 310 | +15 |
| under the declared load | 900 | 900 | 0 |
"""
    )


def test_what_was_not_looked_at_is_never_told_as_well() -> None:
    broken = Changes(errors=("worker: no such image",))

    body = markdown(told(broken, CostChange(None, None, "Pulumi.staging.yaml is refused: <key>")))

    assert "**the preview broke off, this is not all**" in body
    assert "worker: no such image" in body
    assert "### Policies: **not judged**" in body
    assert "all kept" not in body
    assert "### Cost: not known\nPulumi.staging.yaml is refused: &lt;key>" in body


def test_a_closed_pull_request_says_only_that_its_environment_is_gone() -> None:
    body = markdown(told(None, None, Environment("gone")))

    assert "### Preview environment: destroyed" in body
    assert "### Stack" not in body
    assert "not up" in markdown(told(environment=Environment("failed", "error: no room")))


def test_a_stack_that_keeps_all_and_changes_nothing_is_told_so() -> None:
    page = summary(Changes(packs=("celery 0.1.0",), complete=True), "prod")

    assert "### Stack `prod`: nothing to change" in page
    assert "### Policies: all kept (celery 0.1.0)" in page


def test_a_price_that_is_missing_and_a_bill_without_a_former_one_are_told() -> None:
    new = CostChange(Bill(10.0, 20.0, ("g6.xlarge",)), None, "Pulumi.staging.yaml is new")

    body = markdown(told(cost=new))

    assert "| at rest | - | 10 | - |" in body
    assert "Pulumi.staging.yaml is new" in body
    assert "Not counted, for want of a price: `g6.xlarge`" in body


def test_a_comment_stays_within_githubs_limit_and_says_where_the_rest_is() -> None:
    steps = tuple(Step("create", "a:b:C", f"n{i}", ("p" * 400,)) for i in range(3000))
    prices = tuple(f"{i:0100}" for i in range(1000))
    many = Changes(steps, errors=("e" * 5000,) * 1, complete=True)
    cost = CostChange(Bill(1.0, 1.0, prices), None)

    body = markdown(told(many, cost, Environment("up", "x" * 100_000)))

    assert len(body) <= LIMIT
    assert body.endswith(f"Cut here; all of it: {RUN}\n")
    assert "... and 2960 more" in body
    assert len(markdown(told(many, None, Environment("up", "x" * 100_000)))) < LIMIT / 2


def test_text_from_elsewhere_breaks_out_of_no_block_and_forges_no_marker() -> None:
    hostile = f"```\n## merged by nobody\n{MARKER}\n````"

    body = markdown(told(None, None, Environment("up", hostile)))

    assert body.count(MARKER) == 1
    opening = next(line for line in body.splitlines() if line.startswith("`"))
    assert opening == "`````"
    assert body.rstrip().endswith(opening)
