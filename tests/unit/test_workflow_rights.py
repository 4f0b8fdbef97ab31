"""What the jobs may reach: each its own stack's state, and previews what is their own."""

import json
import re
from typing import Any

import botocore.session

from fleet.previews.naming import PREFIX
from infra import names
from infra.config import load_file
from tests.unit.recorder import ROOT
from tests.unit.workflow_files import WORKFLOWS, jobs

SHARED = "${{ vars.FLEET_STATE_URL }}"
OF_PROD = "vars.FLEET_STATE_URL_PROD || vars.FLEET_STATE_URL }}"
VARIABLE = "PULUMI_BACKEND_URL"
PAGE = (ROOT / "docs" / "ci.md").read_text()


def test_prod_alone_has_a_state_of_its_own() -> None:
    found = {name: each["env"][VARIABLE] for name, each in WORKFLOWS.items() if "env" in each}

    assert found.pop("prod.yml") == f"${{{{ {OF_PROD}"
    assert set(found.values()) == {SHARED}
    assert {"preview.yml", "staging.yml", "nightly.yml"} <= set(found)


def test_drift_of_each_stack_is_looked_for_in_its_own_state() -> None:
    (drift,) = (job.body for job in jobs() if job.name == "drift")

    assert drift["env"] == {VARIABLE: f"${{{{ matrix.stack == 'prod' && {OF_PROD}"}


def test_who_sets_it_up_is_told_why_prods_state_lies_apart() -> None:
    assert "gh variable set FLEET_STATE_URL_PROD" in PAGE
    assert "A bucket and a key of its own for prod" in PAGE


def policy_of_previews() -> dict[str, dict[str, Any]]:
    (policy,) = [b for b in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if "Users" in b]
    return {each["Sid"]: each for each in json.loads(policy)["Statement"]}


def test_the_previews_role_may_ask_for_all_that_pulumi_reads_of_the_base() -> None:
    """Without s3:GetObject S3 answers 403 of a key that is not there, and Pulumi gives up."""
    base, state = policy_of_previews()["Base"], "arn:aws:s3:::BUCKET/.pulumi"
    stack = f"{state}/stacks/celery-fleet/staging"
    wanted = [f"{state}/meta.yaml", f"{stack}.json", f"{stack}.pulumi-tags"]
    assert (base["Action"], base["Resource"]) == ("s3:GetObject", wanted)


def test_the_previews_role_reaches_no_user_or_group_of_the_broker_but_their_own() -> None:
    users, members = (policy_of_previews()[sid] for sid in ("Users", "Members"))
    arn = "arn:aws:elasticache:us-east-1:ACCOUNT:"

    assert users["Resource"] == f"{arn}user:{PREFIX}*"
    group = names.cache_user(load_file(ROOT / "Pulumi.staging.yaml").namespace, "users")
    assert members["Resource"] == [f"{arn}usergroup:{group}", f"{arn}user:{PREFIX}*"]
    model = botocore.session.get_session().get_service_model("elasticache")
    for action in (*users["Action"], *members["Action"]):
        assert action.removeprefix("elasticache:") in model.operation_names, action
