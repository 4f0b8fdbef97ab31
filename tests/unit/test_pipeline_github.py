"""One comment of ours on a pull request, edited in place; `gh` is a stand-in."""

import json
from pathlib import Path
from typing import Any

import pytest

from fleet.pipeline.github import upsert
from fleet.pipeline.markdown import MARKER
from rehearsal.errors import RehearsalError
from tests.unit.stand_ins import stand_in

BODY = f"{MARKER}\ntrue\n"
URL = "https://github.com/acme/fleet/pull/7#issuecomment-1"


def page(*comments: tuple[str, str, bool]) -> dict[str, Any]:
    nodes = [{"id": i, "body": body, "viewerDidAuthor": own} for i, body, own in comments]
    request = {"id": "PR_7", "comments": {"nodes": nodes, "pageInfo": {}}}
    return {"data": {"repository": {"pullRequest": request}}}


def found(*pages: dict[str, Any]) -> dict[str, str]:
    return {"stdout": json.dumps(pages)}


ADDED = {"stdout": json.dumps({"data": {"addComment": {"commentEdge": {"node": {"url": URL}}}}})}
EDITED = {"stdout": json.dumps({"data": {"updateIssueComment": {"issueComment": {"url": URL}}}})}


def test_the_first_run_adds_the_comment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gh = stand_in("gh", tmp_path, monkeypatch, found(page(("IC_1", "Nice.", True))), ADDED)

    assert upsert("acme/fleet", 7, BODY) == URL

    asked, added = gh.calls
    assert asked["args"][:4] == ["api", "graphql", "--paginate", "--slurp"]
    assert {"owner=acme", "name=fleet", "number=7"} <= set(asked["args"])
    assert "subject=PR_7" in added["args"]
    assert added["body"] == BODY


def test_a_later_run_edits_our_own_comment_wherever_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ("IC_2", f"{MARKER}\nlook here instead", False)
    quoted = ("IC_3", f"> {MARKER}", True)
    pages = page(other, quoted), page(("IC_4", BODY, True))
    gh = stand_in("gh", tmp_path, monkeypatch, found(*pages), EDITED)

    assert upsert("acme/fleet", 7, BODY) == URL

    edited = gh.calls[1]
    assert "comment=IC_4" in edited["args"]
    assert edited["body"] == BODY
    assert len(gh.calls) == 2


def test_a_refusal_says_what_github_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = {"code": 1, "stderr": "gh: Resource not accessible by integration\n"}
    stand_in("gh", tmp_path, monkeypatch, refused)

    with pytest.raises(RehearsalError, match=r"not accessible by integration[^!]*pull-requests"):
        upsert("acme/fleet", 7, BODY)


def test_without_gh_the_error_names_the_way_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(RehearsalError, match="gh, GitHub's CLI, is not on PATH"):
        upsert("acme/fleet", 7, BODY)
