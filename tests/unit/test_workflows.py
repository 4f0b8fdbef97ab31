"""The workflows call what exists, with the least rights, and never cut an update off."""

import json
import re
import subprocess
from typing import Any

import pytest
import typer

from fleet import cli
from fleet.pipeline import __main__ as pipeline
from tests.unit.recorder import ROOT
from tests.unit.workflow_files import SCRIPTS, TEXTS, WORKFLOWS, Job, called, jobs

JOBS = [pytest.param(job, id=str(job)) for job in jobs()]
ON_STACKS = [job for job in jobs() if any("sign-in" in run for run in job.runs)]
OURS = [pytest.param(job, id=str(job)) for job in ON_STACKS]
PAGE = (ROOT / "docs/ci.md").read_text()
CHANGES_A_STACK = ("fleet preview", ".ci/preview", "pipeline up")


def on(name: str) -> dict[str, object]:
    """When a workflow runs: YAML 1.1 reads the key `on` as true."""
    found: dict[str, object] = WORKFLOWS[name][True]
    return found


def distinct(program: str) -> list[str]:
    """Its calls, each once, as text."""
    return sorted({" ".join(call) for call in called(program) if call})


@pytest.mark.parametrize("call", distinct("fleet"))
def test_each_command_of_fleet_exists_with_its_options(call: str) -> None:
    # It asks for a file that is there.
    words = call.replace("--kubeconfig VALUE", f"--kubeconfig {ROOT / 'README.md'}").split()
    assert unknown(typer.main.get_command(cli.app), words) is None


@pytest.mark.parametrize("call", distinct("fleet.pipeline"))
def test_each_command_of_the_pipeline_exists_with_its_options(call: str) -> None:
    # Where a command takes a number, one stands for the variable.
    words = re.sub(r"(--pull-request|--seconds) VALUE", r"\1 1000", call).split()
    assert unknown(typer.main.get_command(pipeline.app), words) is None


def unknown(command: Any, words: list[str]) -> str | None:
    """What a command line names that is not there; the command reads it, and is not run."""
    line = " ".join(words)
    while words and (inner := getattr(command, "commands", None)) is not None:
        if words[0] not in inner:
            return f"there is no command {words[0]!r}; there are {sorted(inner)}"
        command, words = inner[words[0]], words[1:]
    try:
        command.make_context("checked", words, resilient_parsing=False)
    except Exception as error:  # noqa: BLE001 - Click's own are private in Typer; each is told
        return f"{line}: {error}"
    return None


@pytest.mark.parametrize("line", ["preview reep", "preview reap --no-such-option", "preview up x"])
def test_a_command_line_that_is_wrong_is_found(line: str) -> None:
    assert unknown(typer.main.get_command(cli.app), line.split()) is not None


def test_calls_are_found_at_all() -> None:
    assert {"smoke --stack VALUE --kubeconfig VALUE", "preview reap --fetched"} <= set(
        distinct("fleet")
    )
    commands = {call.split()[0] for call in distinct("fleet.pipeline")}
    assert commands == {"show", "up", "deployed", "drift", "comment", "diff", "image", "role"}


def test_each_target_of_make_and_each_script_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = {call.split()[0] for call in distinct("make")}
    assert {"check", "test", "rehearse", "policy"} <= asked
    assert asked <= targets
    everything = "".join([*TEXTS.values(), *SCRIPTS.values(), PAGE])
    scripts = set(re.findall(r"\.ci/([\w-]+)", everything))
    assert {"sign-in", "with-pulumi", "builder", "preview", "smoke"} <= scripts
    assert scripts <= set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_runs_from_anywhere_and_stops_at_the_first_failure(script: str) -> None:
    path = ROOT / ".ci" / script

    assert path.stat().st_mode & 0o111
    assert "\nset -euo pipefail\n" in SCRIPTS[script]
    subprocess.run(["bash", "-n", str(path)], check=True)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_actions_are_pinned_by_commit_with_the_release_beside_it(text: str) -> None:
    used = re.findall(r"uses: (.*)", text)

    assert used
    for one in used:
        assert re.fullmatch(r"actions/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one), one


@pytest.mark.parametrize("job", JOBS)
def test_a_job_has_a_limit_of_time_and_the_least_rights(job: Job) -> None:
    assert job.body["timeout-minutes"] <= 120
    assert job.permissions["contents"] == "read"
    more = {name for name, right in job.permissions.items() if right == "write"}
    allowed = {"id-token"} if job in ON_STACKS else set()
    assert more <= allowed | ({"pull-requests"} if job.workflow == "preview.yml" else set())
    for step in job.steps:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("job", JOBS)
def test_no_step_runs_text_that_others_write(job: Job) -> None:
    for run in job.runs:
        assert "${{" not in run


def test_a_fork_gets_no_identity_and_no_token_that_writes() -> None:
    assert all("pull_request_target" not in text for text in TEXTS.values())
    assert all("secrets." not in text for text in TEXTS.values())
    for job in jobs():
        if "pull_request" not in on(job.workflow):
            continue
        if "write" in job.permissions.values():
            own = "github.event.pull_request.head.repo.full_name == github.repository"
            assert own in job.body["if"]


def test_a_run_that_changes_a_stack_waits_its_turn_and_is_never_cut_off() -> None:
    found = [j for j in jobs() if any(c in run for c in CHANGES_A_STACK for run in j.runs)]
    assert {str(job) for job in found} == {
        "preview.yml:up", "preview.yml:down", "staging.yml:up", "prod.yml:up", "nightly.yml:reap",
    }  # fmt: skip
    for job in found:
        turn = job.body.get("concurrency", WORKFLOWS[job.workflow].get("concurrency"))
        assert turn is not None, job
        assert turn["cancel-in-progress"] is False, job
    groups = [WORKFLOWS[name]["concurrency"]["group"] for name in ("preview.yml", "staging.yml")]
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    # A fork's runs are left out by their jobs' `if`, but would take the turn of one that waits.
    turn = f"preview-${{{{ {own} && github.head_ref || github.run_id }}}}"
    assert groups == [turn, "stack-staging"]


def test_a_preview_follows_its_pull_request_from_opened_to_closed() -> None:
    types = ["opened", "synchronize", "reopened", "closed"]
    assert on("preview.yml") == {"pull_request": {"types": types}}
    up, down = (job for job in jobs() if job.workflow == "preview.yml")

    assert "github.event.action != 'closed'" in up.body["if"]
    assert "github.event.action == 'closed'" in down.body["if"]
    comment = up.steps[-1]
    assert comment["if"] == "${{ !cancelled() }}", "a failed `up` is told in the comment, too"
    assert [step["env"].get("GH_TOKEN") for step in up.steps if "env" in step][:-1] == [None]
    for job, made in ((up, "up"), (down, "down")):
        (step,) = [each for each in job.steps if each.get("id") == made]
        assert '2>&1 | tee "$RUNNER_TEMP/preview.txt"' in step["run"], "a failure is in the comment"
        assert '--told "$RUNNER_TEMP/preview.txt"' in job.steps[-1]["run"]
    outcome = "${{ steps.down.outcome == 'success' && 'gone' || 'left' }}"
    assert down.steps[-1]["env"]["OUTCOME"] == outcome
    assert down.steps[-1]["if"] == comment["if"]


def test_a_forks_pull_request_has_its_words_and_costs_without_a_right() -> None:
    (job,) = [job for job in jobs() if any("pipeline diff" in run for run in job.runs)]

    assert "pull_request" in on(job.workflow)
    assert job.permissions == {"contents": "read"}
    assert job.body["if"] == "github.event_name == 'pull_request'"


def test_prod_is_changed_only_after_an_approval_and_only_as_approved() -> None:
    assert on("prod.yml") == {"push": {"tags": ["v*"]}}
    plan, up = (job for job in jobs() if job.workflow == "prod.yml")

    assert up.body["needs"] == "plan"
    assert up.body["environment"] == "prod"
    assert plan.body["environment"] == "look"
    assert plan.body["outputs"]["digest"] == "${{ steps.show.outputs.digest }}"
    (run,) = [run for run in up.runs if "pipeline up" in run]
    assert '--approved "$DIGEST"' in run
    assert up.runs[-1] == ".ci/with-pulumi .ci/smoke prod"


def test_each_night_reaps_looks_for_drift_and_rehearses() -> None:
    runs = "\n".join(run for job in jobs() if job.workflow == "nightly.yml" for run in job.runs)

    assert "fleet preview reap --fetched" in runs
    assert "fleet.pipeline drift" in runs
    assert "make rehearse STACK=staging" in runs
    assert WORKFLOWS["nightly.yml"]["jobs"]["drift"]["strategy"]["fail-fast"] is False


@pytest.mark.parametrize("job", ["nightly.yml:reap", "preview.yml:up"])
def test_a_job_that_asks_for_branches_has_fetched_all_of_them(job: str) -> None:
    """It keeps no credential, with which git could ask the remote for them."""
    (found,) = [each for each in jobs() if str(each) == job]
    (checkout,) = [s for s in found.steps if s.get("uses", "").startswith("actions/checkout@")]

    assert checkout["with"]["fetch-depth"] == 0


def test_each_link_command_and_resource_of_the_page_is_there() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / link).is_file(), link
    for name in WORKFLOWS:
        assert name == "audit.yml" or f"| `{name.removesuffix('.yml')}` |" in PAGE
    for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL):
        assert json.loads(block)["Version"] == "2012-10-17"
    for call in re.findall(r"python -m fleet\.pipeline ([^`\n]+)", PAGE):
        assert unknown(typer.main.get_command(pipeline.app), call.split()) is None


@pytest.mark.parametrize("job", OURS)
def test_each_role_variable_and_environment_is_in_the_docs(job: Job) -> None:
    names = set(re.findall(r"vars\.(\w+)", TEXTS[job.workflow]))
    assert names
    for name in names:
        assert f"`{name}`" in PAGE, name
    (role,) = [step["env"]["ROLE"] for step in job.steps if "ROLE" in step.get("env", {})]
    subject = f"environment:{job.body['environment']}" if "environment" in job.body else None
    subject = subject or "pull_request"
    variable = role.removeprefix("${{ vars.").removesuffix(" }}")
    rows = [row for row in PAGE.splitlines() if row.startswith(f"| `{variable}` |")]
    assert any(f"`repo:OWNER/NAME:{subject}`" in row for row in rows), (variable, subject)
    own = f"`{job.workflow.removesuffix('.yml')}:{job.name}`"
    assert [own in row.split("|")[2] for row in rows].count(True) == 1, own
    assert "vars.FLEET_STATE_URL != ''" in job.body.get("if", "") or job.body["needs"] == "plan"
