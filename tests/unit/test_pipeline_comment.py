"""The comment says what merging does, in what GitHub takes, and can be found again."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from fleet.pipeline.changes import Breach, Changes, Step
from fleet.pipeline.comment import LIMIT, Told, markdown, summary
from fleet.pipeline.cost import Bill, CostChange
from fleet.pipeline.environment import Environment
from fleet.pipeline.markdown import MARKER
from fleet.pipeline.stack_files import FileChange
from fleet.previews import up
from fleet.previews.kubeconfig import kept_kubeconfig
from fleet.project import Project
from tests.unit.preview_stage import NAME, preview

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
WORDS = "### What this does to stack `staging`\n\n- queue labeling: max 5 -> 12\n"
PRINTED = """\
preview   preview-x-aaaaaaaa of branch x, beside staging
pulumi up done
preview   preview-x-aaaaaaaa (branch x|y, commit 0123456789ab)
API       http://127.0.0.1:8000 after: kubectl -n preview-x-aaaaaaaa port-forward api 8000:80
queues    default, scraping
expires   2026-03-03 12:00 UTC; the next up moves it
cost      a day $0.12 at rest
smoke     every queue in time: default 0.8 s
"""
WHOLE = f"""\
{MARKER}
Commit `0123456789ab` · [run]({RUN})

### Preview environment `preview-x-aaaaaaaa`
| | |
|---|---|
| API | http://127.0.0.1:8000 after: kubectl -n preview-x-aaaaaaaa port-forward api 8000:80 |
| queues | default, scraping |
| expires | 2026-03-03 12:00 UTC; the next up moves it |
| cost | a day $0.12 at rest |
| smoke | every queue in time: default 0.8 s |
| logs | `fleet preview logs preview-x-aaaaaaaa -f` |

### What this does to stack `staging`

- queue labeling: max 5 -> 12

### Cost, US dollars a month
| | before | after | change |
|---|---:|---:|---:|
| `staging` at rest | 295 | 310 | +15 |
| `staging` under the declared load | 900 | 900 | 0 |

<sub>From the stack files of both commits alone, by this commit's program: what the program's own \
change does is among the resources that Pulumi previews.</sub>

### Resources of stack `staging`: 1 to delete, 1 to replace, 1 to update, 1 to create
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
"""


def told(
    changes: Changes | None = CHANGES,
    cost: CostChange | None = COST,
    environment: Environment | None = None,
    problem: str = "",
) -> Told:
    files = (FileChange("staging", WORDS, cost),) if cost else ()
    return Told("staging", "0123456789abcdef", RUN, changes, files, environment, problem)


def test_the_comment_has_all_its_parts_in_order() -> None:
    body = markdown(told(environment=Environment("up", PRINTED)))

    assert body == WHOLE


def test_the_table_is_made_of_what_fleet_preview_up_prints() -> None:
    config, console = preview("staging"), Console(width=80)
    project = Project(Path.cwd(), Path.cwd() / ".state")
    own = kept_kubeconfig(project, "staging")
    place: Any = SimpleNamespace(
        base="staging", is_rehearsal=False, own_kubeconfig=own, project=project
    )
    with console.capture() as capture:
        up._tell(console, place, config, "every queue in time: default 0.8 s", "worker:1")

    body = markdown(told(None, None, Environment("up", capture.get())))

    assert f"### Preview environment `{NAME}`\n" in body
    rows = {
        line.split(" | ")[0].removeprefix("| ")
        for line in body.splitlines()
        if line.startswith("| ") and "| |" not in line
    }
    assert rows == {"API", "image", "queues", "expires", "cost", "broker", "smoke", "look", "logs"}
    assert "| expires | 2026-03-03 12:00 UTC" in body
    assert "port-forward" in body
    # Readers have other checkouts than the runner.
    assert "kubectl --kubeconfig .state/kubeconfigs/staging.json --context" in body
    path, command = ".state/kubeconfigs/staging.json", "fleet preview list --base staging"
    assert f"\n\n`{path}` is kept by `{command}`.\n" in body


def test_the_dashboards_of_the_base_are_linked() -> None:
    url = "https://grafana.example/a(b)"
    other = FileChange("prod", "", COST, grafana_url="https://other")
    files = (other, FileChange("staging", "", COST, grafana_url=url))

    head = markdown(Told("staging", "0123456789abcdef", RUN, None, files)).splitlines()[1]
    assert head.endswith(f"[run]({RUN}) · [dashboards](https://grafana.example/a(b%29)")


def test_what_was_not_looked_at_is_never_told_as_well() -> None:
    broken = Changes(errors=("worker: no such image",))

    body = markdown(told(broken, CostChange(None, None, "Pulumi.staging.yaml is refused: <key>")))

    assert "**the preview broke off, this is not all**" in body
    assert "worker: no such image" in body
    assert "### Policies: **not judged**" in body
    assert "all kept" not in body
    assert "| `staging` | - | not known | - |" in body
    assert "\nPulumi.staging.yaml is refused: &lt;key>" in body
    cut_short = markdown(told(None, None, problem="pulumi is not on PATH\n  mend: put it there"))
    assert "### **Not all of it could be looked at**\n```\npulumi is not on PATH\n" in cut_short


def test_a_closed_pull_request_says_only_that_its_environment_is_gone() -> None:
    body = markdown(told(None, None, Environment("gone", "down  preview-x is gone, after 9 s")))

    assert body.endswith(f"[run]({RUN})\n\n### Preview environment: destroyed\n")


@pytest.mark.parametrize(
    ("state", "title", "what_now"),
    [
        ("failed", "**not up**", "run the job again"),
        ("left", "**not destroyed**", "nightly `fleet preview reap` takes it"),
    ],
)
def test_a_failed_environment_is_told_with_its_last_lines_and_what_to_do(
    state: str, title: str, what_now: str
) -> None:
    body = markdown(told(None, None, Environment(state, "pulumi up\nerror: no room")))

    assert f"### Preview environment: {title}\n" in body
    assert what_now in body
    assert "```\npulumi up\nerror: no room\n```" in body
    unbegun = markdown(told(None, None, Environment(state)))
    assert "It was not begun: the run says which step before it failed." in unbegun
    assert "```" not in unbegun


def test_a_stack_that_keeps_all_and_changes_nothing_is_told_so() -> None:
    page = summary(Changes(packs=("celery 0.1.0",), complete=True), "prod")

    assert "### Resources of stack `prod`: nothing to change" in page
    assert "### Policies: all kept (celery 0.1.0)" in page


def test_a_price_that_is_missing_and_a_bill_without_a_former_one_are_told() -> None:
    new = CostChange(Bill(10.0, 20.0, ("g6.xlarge",)), None, "Pulumi.staging.yaml is new")

    body = markdown(told(cost=new))

    assert "| `staging` at rest | - | 10 | - |" in body
    assert "Pulumi.staging.yaml is new" in body
    assert "Not counted, for want of a price: `g6.xlarge`" in body


def test_a_comment_stays_within_githubs_limit_and_says_where_the_rest_is() -> None:
    steps = tuple(Step("create", "a:b:C", f"n{i}", ("p" * 400,)) for i in range(3000))
    many = Changes(steps, errors=("e" * 5000,) * 1, packs=("celery 0.1.0",), complete=True)
    cost = CostChange(Bill(1.0, 1.0, tuple(f"{i:0100}" for i in range(1000))), None)
    words = "### What this does\n" + "- a queue changes\n" * 5000
    two = tuple(FileChange(stack, words, cost) for stack in ("prod", "staging"))
    environment = Environment("failed", "x" * 100_000)

    body = markdown(Told("staging", "0123456789ab", RUN, many, two, environment))
    assert len(body) < LIMIT
    assert "- a queue changes\n\n... and more, which is cut here\n" in body
    assert "... and 2960 more" in body
    assert "... and 990 more" in body
    assert "### Policies: all kept" in body

    body = markdown(Told("staging", "0123456789ab", RUN, many, two * 5, environment))
    assert len(body) <= LIMIT
    assert body.endswith(f"Cut here; all of it: {RUN}\n")


def test_text_from_elsewhere_breaks_out_of_no_block_and_forges_no_marker() -> None:
    hostile = f"```\n## merged by nobody\n{MARKER}\n````"

    body = markdown(told(None, None, Environment("failed", hostile)))

    assert body.count(MARKER) == 1
    opening = next(line for line in body.splitlines() if line.startswith("`"))
    assert opening == "`````"
    assert body.rstrip().endswith(opening)


def test_rendered_each_part_is_a_heading_and_each_table_a_table_whatever_a_branch_is_called() -> (
    None
):
    hostile = PRINTED.replace("default, scraping", "a|b, </table><b>bold")
    renderer = MarkdownIt("commonmark", {"html": True}).enable("table")

    page = renderer.render(markdown(told(environment=Environment("up", hostile))))

    headings = re.findall(r"<h3>(.*?)</h3>", page)
    assert [one.split(":")[0] for one in headings] == [
        "Preview environment <code>preview-x-aaaaaaaa</code>",
        "What this does to stack <code>staging</code>",
        "Cost, US dollars a month",
        "Resources of stack <code>staging</code>",
        "Policies",
    ]
    assert page.count("<table>") == page.count("</table>") == 2
    assert "<td>queues</td>\n<td>a|b, &lt;/table&gt;&lt;b&gt;bold</td>" in page
    assert page.count("<details>") == page.count("</details>") == 1
    assert "<li>queue labeling: max 5 -&gt; 12</li>" in page
