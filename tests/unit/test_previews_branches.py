"""What git knows of branches: the remote's, those of a checkout, those that CI has fetched."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from rich.console import Console

from fleet.previews import checkout as module
from fleet.previews import records, up
from fleet.previews.checkout import Branches, Checkout
from fleet.project import Project
from rehearsal.errors import RehearsalError
from tests.unit.preview_stage import BRANCH, base

FETCHED = datetime(2026, 3, 2, 2, 17, tzinfo=UTC)


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.test", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A repository with `main` and a branch; it has no remote itself."""
    folder = tmp_path / "remote"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "first")
    git(folder, "branch", BRANCH)
    return folder


@pytest.fixture
def clone(remote: Path) -> Path:
    folder = remote.parent / "clone"
    git(remote.parent, "clone", "--quiet", str(remote), str(folder))
    git(folder, "branch", "here-only")
    return folder


def fetched_then_cut_off(clone: Path) -> Checkout:
    """As in CI: every branch is fetched, and then there is no credential to ask with."""
    git(clone, "fetch", "--quiet", "--prune")
    os.utime(clone / ".git" / "FETCH_HEAD", (FETCHED.timestamp(), FETCHED.timestamp()))
    git(clone, "remote", "set-url", "origin", str(clone.parent / "no-such"))
    return Checkout(clone)


def test_git_tells_the_branch_its_commit_and_the_others(remote: Path) -> None:
    found = Checkout(remote)

    assert found.branch() == "main"
    assert found.commit(BRANCH) == git(remote, "rev-parse", "HEAD")
    assert found.commit("gone") is None
    assert found.branches().names == {"main", BRANCH}
    assert (found.has(BRANCH), found.has("gone")) == (True, False)


@pytest.mark.parametrize("name", ["origin", "upstream"])
def test_a_remotes_branches_count_where_there_is_one_whatever_its_name(
    clone: Path, remote: Path, name: str
) -> None:
    if name != "origin":
        git(clone, "remote", "rename", "origin", name)
    git(remote, "branch", "of-a-colleague")

    found = Checkout(clone)

    assert found.branches().names == {"main", BRANCH, "of-a-colleague"}
    assert (found.has("of-a-colleague"), found.has("here-only")) == (True, False)
    assert found.commit(BRANCH) == git(remote, "rev-parse", "HEAD")


def test_origin_counts_among_several_remotes(clone: Path) -> None:
    git(clone, "remote", "add", "another", str(clone.parent / "no-such"))

    assert Checkout(clone).branches().names == {"main", BRANCH}


def test_of_several_remotes_without_an_origin_none_is_guessed(clone: Path, remote: Path) -> None:
    git(clone, "remote", "rename", "origin", "upstream")
    git(clone, "remote", "add", "fork", str(remote))

    with pytest.raises(RehearsalError, match="which of fork, upstream") as refused:
        Checkout(clone).branches()

    assert "git remote rename fork origin" in refused.value.mend
    assert not Checkout(clone).has(BRANCH)
    assert Checkout(clone).commit(BRANCH)


def test_what_a_remote_had_once_is_no_branch_while_it_answers(clone: Path, remote: Path) -> None:
    git(remote, "branch", "--delete", BRANCH)

    assert not Checkout(clone).has(BRANCH)
    assert Checkout(clone).branches().names == {"main"}


def test_without_a_credential_a_branch_was_there_if_it_was_fetched(clone: Path) -> None:
    found = fetched_then_cut_off(clone)

    assert (found.has(BRANCH), found.has("here-only")) == (True, False)


def test_what_was_fetched_counts_on_request_alone_and_as_of_then(clone: Path) -> None:
    found = fetched_then_cut_off(clone)

    with pytest.raises(RehearsalError, match="no branch at all"):
        found.branches()
    told = found.branches(fetched=True)

    assert told.names >= {"main", BRANCH}
    assert "here-only" not in told.names
    # A fetch may have begun so long before.
    assert told.as_of == FETCHED - timedelta(hours=1)


def test_a_fetch_that_has_not_brought_every_branch_is_refused(clone: Path, remote: Path) -> None:
    with pytest.raises(RehearsalError, match="there was none"):
        Checkout(clone).branches(fetched=True)
    fetched_then_cut_off(clone)
    with pytest.raises(subprocess.CalledProcessError):
        git(clone, "fetch", "--quiet")
    with pytest.raises(RehearsalError, match="last fetch failed"):
        Checkout(clone).branches(fetched=True)

    git(remote, "commit", "--quiet", "--allow-empty", "-m", "second")
    shallow = remote.parent / "shallow"
    git(remote.parent, "clone", "--quiet", "--depth", "1", f"file://{remote}", str(shallow))
    git(shallow, "fetch", "--quiet")
    with pytest.raises(RehearsalError, match="it is shallow") as refused:
        Checkout(shallow).branches(fetched=True)
    assert "fetch-depth: 0" in refused.value.mend


def test_only_a_branch_that_was_seen_before_can_be_gone() -> None:
    found = Branches(frozenset({"main"}), FETCHED)

    assert found.gone(BRANCH, FETCHED)
    assert not found.gone("main", FETCHED)
    assert not found.gone(BRANCH, None), "never pushed"
    assert not found.gone(BRANCH, FETCHED + timedelta(seconds=1)), "pushed since"


@pytest.mark.parametrize(("branch", "seen_at"), [(BRANCH, FETCHED), ("here-only", None)])
def test_an_up_notes_whether_the_branch_was_there(
    clone: Path, monkeypatch: pytest.MonkeyPatch, branch: str, seen_at: datetime | None
) -> None:
    monkeypatch.setattr(up, "base_of", lambda *_: base("local"))
    for step in ("place", "PreviewEngine", "check_room", "readiness", "_tell"):
        monkeypatch.setattr(up, step, MagicMock())
    project, asked = (
        Project(clone, clone),
        up.Request(branch, timedelta(hours=2), "local", None, training=False),
    )

    name = up.run(project, asked, FETCHED, Console(quiet=True))

    config = records.own_file(project, name)
    assert config is not None
    assert config.preview is not None
    assert (config.preview.branch, config.preview.branch_seen_at) == (branch, seen_at)


def test_a_remote_that_hangs_is_given_up(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, ended = clone / "stop", clone / "ended"
    waits = f"for i in $(seq 300); do [ -e '{stop}' ] && exit; sleep 0.1; done; touch '{ended}'"
    git(clone, "remote", "set-url", "origin", "ssh://remote.test/fleet")
    git(clone, "config", "core.sshCommand", f"{waits} #")
    monkeypatch.setattr(module, "_LIMIT_S", 0.5)

    with pytest.raises(RehearsalError, match="no branch at all"):
        Checkout(clone).branches()

    assert not ended.exists()
    stop.touch()


def test_no_password_is_asked_for_at_the_terminal(clone: Path) -> None:
    session = clone / "session"
    git(clone, "remote", "set-url", "origin", "ssh://remote.test/fleet")
    told = f"{sys.executable} -c 'import os; print(os.getsid(0))' > '{session}' #"
    git(clone, "config", "core.sshCommand", told)

    assert Checkout(clone).has(BRANCH)

    assert int(session.read_text()) != os.getsid(0), "a session of its own has no terminal"


def test_without_a_branch_one_has_to_be_named(remote: Path) -> None:
    git(remote, "checkout", "--quiet", "--detach")

    with pytest.raises(RehearsalError, match="no branch is checked out"):
        Checkout(remote).branch()


def test_git_that_tells_nothing_condemns_nothing(tmp_path: Path) -> None:
    with pytest.raises(RehearsalError, match="no branch at all"):
        Checkout(tmp_path).branches()
