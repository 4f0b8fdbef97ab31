"""A campaign fails where ours breaks a promise, and where the stock arm proves nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from chaos import picture, report
from chaos.campaign import Campaign
from chaos.figures import figures, takeovers_s
from chaos.record import Excuses, Execution, Observed, Published, Struck

FREEZE = Struck(2, "freeze", "freeze", 11.5, 12.8, ("fast-0.1",), Excuses(victims=True))
SENT = [Published(name, "fast", "plain", "freeze", 9.9, 10.0) for name in ("a", "b")]
RUNS = [Execution("a", 0, "fast-1.1", 11.0, 12.0, "committed")]
LOSES = Observed(SENT, RUNS, {"a": (1, 0)}, [FREEZE])
KEEPS = replace(LOSES, executions=[*RUNS, replace(RUNS[0], id="b")])


def test_a_campaign_succeeds_where_stock_loses_and_ours_keeps_all() -> None:
    assert not Campaign({"ours": [KEEPS], "stock": [LOSES]}).problems


def test_a_campaign_in_which_stock_loses_nothing_proves_nothing() -> None:
    (problem,) = Campaign({"ours": [KEEPS], "stock": [KEEPS]}).problems

    assert problem == "stock lost no message: the campaign proves nothing"


@pytest.mark.parametrize("kind", ["poison", "oom", "newer", "misspelt", "huge"])
def test_what_a_fault_brought_itself_proves_nothing_of_stock(kind: str) -> None:
    guilty = replace(LOSES, published=[SENT[0], replace(SENT[1], kind=kind)])

    assert len(Campaign({"ours": [KEEPS], "stock": [guilty]}).problems) == 1


def test_a_campaign_names_what_ours_has_lost() -> None:
    (problem,) = Campaign({"ours": [KEEPS, LOSES], "stock": [LOSES]}).problems

    assert problem.startswith("ours breaks I1: b [freeze]: plain on fast: published")


def test_figures_of_seeds_add_up() -> None:
    campaign = Campaign({"stock": [LOSES, LOSES]})

    assert campaign.figures["freeze"]["stock"].lost == 2
    assert campaign.total("stock").messages == 4


def test_a_restart_is_counted_from_the_strike_to_the_next_start_of_what_it_cut_off() -> None:
    cut_off = replace(RUNS[0], worker="fast-0.1", ended_at=None, outcome=None)
    again = replace(RUNS[0], began_at=20.5, ended_at=21.0)

    came_to = figures(replace(KEEPS, executions=[cut_off, again]))["freeze"]

    assert (came_to.restart_s, came_to.resume_s) == ((9.0,), (9.5,))


def test_work_resumes_with_the_end_of_a_task_that_began_after_the_fault() -> None:
    later = replace(RUNS[0], id="b", began_at=13.0, ended_at=13.5)

    came_to = figures(replace(KEEPS, executions=[*RUNS, later]))["freeze"]

    assert (came_to.restart_s, came_to.resume_s) == ((), (2.0,))


def test_a_second_run_is_counted_and_a_retry_is_not() -> None:
    asked = replace(RUNS[0], outcome="retried")
    again = replace(RUNS[0], began_at=13.0, ended_at=14.0)

    assert figures(replace(KEEPS, executions=[*RUNS, again]))["freeze"].second_runs == 1
    assert figures(replace(KEEPS, executions=[asked, again]))["freeze"].second_runs == 0


def test_the_longest_silences_of_beat_are_its_takeovers() -> None:
    killed = Struck(13, "beat", "beat", 10.0, 60.0)
    ticks = [(str(at), float(at)) for at in (8, 9, 10, 31, 32, 33, 58, 59)]

    assert sorted(takeovers_s(replace(KEEPS, faults=[killed], ticks=ticks))) == [21.0, 25.0]


def test_the_page_tells_why_a_campaign_fails(tmp_path: Path) -> None:
    campaign = Campaign({"ours": [LOSES], "stock": [LOSES]})

    report.write(campaign, tmp_path / "chaos")
    picture.save(campaign, tmp_path / "chaos.png")

    text = (tmp_path / "chaos.md").read_text()
    assert "The campaign fails:" in text
    assert "ours breaks I1: b" in text
    assert "| freeze | 2 |" in text
    assert (tmp_path / "chaos.png").stat().st_size > 10_000
