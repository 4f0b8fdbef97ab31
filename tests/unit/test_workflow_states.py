"""Each job works on the state of its own stack: prod's lies apart from that of the others."""

from tests.unit.recorder import ROOT
from tests.unit.workflow_files import WORKFLOWS, jobs

SHARED = "${{ vars.FLEET_STATE_URL }}"
OF_PROD = "vars.FLEET_STATE_URL_PROD || vars.FLEET_STATE_URL }}"
VARIABLE = "PULUMI_BACKEND_URL"


def test_prod_alone_has_a_state_of_its_own() -> None:
    found = {name: each["env"][VARIABLE] for name, each in WORKFLOWS.items() if "env" in each}

    assert found.pop("prod.yml") == f"${{{{ {OF_PROD}"
    assert set(found.values()) == {SHARED}
    assert {"preview.yml", "staging.yml", "nightly.yml"} <= set(found)


def test_drift_of_each_stack_is_looked_for_in_its_own_state() -> None:
    (drift,) = (job.body for job in jobs() if job.name == "drift")

    assert drift["env"] == {VARIABLE: f"${{{{ matrix.stack == 'prod' && {OF_PROD}"}


def test_who_sets_it_up_is_told_why_prods_state_lies_apart() -> None:
    page = (ROOT / "docs" / "ci.md").read_text()

    assert "gh variable set FLEET_STATE_URL_PROD" in page
    assert "A bucket and a key of its own for prod" in page
