"""What `make` does before there is a Python environment to do it with."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKED = ("requirements.txt", "pyproject.toml")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a tree with what the set-up reads, and no environment."""
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    for name in ("Makefile", *LOCKED):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def _python(tree: Path, version: str, imports: int) -> Path:
    """Write a python that is too old (imports 1 of any kind fails) or lacks ensurepip."""
    python = tree / "python"
    python.write_text(
        "#!/bin/sh\n"
        f'case "$*" in --version) echo "Python {version}" ;; *ensurepip*) exit 1 ;; '
        f"*) exit {imports} ;; esac\n"
    )
    python.chmod(0o755)
    return python


def _venv(tree: Path, python: Path | None) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHON": str(python or "")}
    return subprocess.run(
        [tree / ".ci" / "venv"], capture_output=True, text=True, check=False, env=environ
    )


def test_an_old_python_is_refused_by_its_version(tree: Path) -> None:
    done = _venv(tree, _python(tree, "3.9.2", imports=1))

    assert done.returncode == 1
    assert "Python 3.11 or later is needed" in done.stderr
    assert "Python 3.9.2" in done.stderr
    assert not (tree / ".venv").exists()


def test_a_python_that_is_not_there_is_refused(tree: Path) -> None:
    done = _venv(tree, tree / "absent")

    assert done.returncode == 1
    assert "absent here is: missing" in done.stderr


def test_a_python_without_ensurepip_is_refused_with_debians_package(tree: Path) -> None:
    done = _venv(tree, _python(tree, "3.11.2", imports=0))

    assert done.returncode == 1
    assert "apt install python3-venv" in done.stderr
    assert not (tree / ".venv").exists()


def test_a_ready_environment_is_left_alone_until_the_lock_file_changes(tree: Path) -> None:
    python = _python(tree, "3.11.2", imports=0)
    _make_ready(tree)

    assert _venv(tree, python).returncode == 0

    (tree / "requirements.txt").write_text("other==1\n")
    assert "ensurepip" in _venv(tree, python).stderr


def test_a_ready_environment_that_lost_its_python_is_made_anew(tree: Path) -> None:
    _make_ready(tree)
    (tree / ".venv" / "bin" / "python").unlink()

    assert "ensurepip" in _venv(tree, _python(tree, "3.11.2", imports=0)).stderr


def test_cleaning_a_tree_without_environment_or_state_removes_the_cache_only(
    tree: Path,
) -> None:
    cache = tree / "cache"
    for folder in ("tools", "go", "mine"):
        (cache / folder).mkdir(parents=True)

    subprocess.run(
        ["make", "--silent", "clean"],
        cwd=tree,
        check=True,
        capture_output=True,
        env={**os.environ, "CELERY_FLEET_CACHE": str(cache)},
    )

    assert [folder.name for folder in cache.iterdir()] == ["mine"]
    assert (tree / "requirements.txt").exists()


def _make_ready(tree: Path) -> None:
    """Leave what a finished set-up leaves: the stamp of this lock file in this folder."""
    parts = [f"{tree}\n", *((tree / name).read_text() for name in LOCKED)]
    key = hashlib.sha256("".join(parts).encode()).hexdigest()[:16]
    (tree / ".venv" / "bin").mkdir(parents=True)
    (tree / ".venv" / "bin" / "python").symlink_to("/bin/true")
    (tree / ".venv" / f"installed-{key}").touch()
