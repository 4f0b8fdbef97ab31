"""Programs that build the image come from PATH, else whole out of the distribution's packages."""

from pathlib import Path

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.image.programs import ensure_program

# In place of apt-get and dpkg-deb: packages that hold nothing but a program of one name.
APT = """#!/bin/sh
echo "$@" >> "$FAKE_HOME/asked"
touch p.deb q.deb
"""
DPKG = """#!/bin/sh
mkdir -p "$3/usr/bin" && touch "$3/usr/bin/buildah" "$3/usr/bin/of-$(basename "$2" .deb)"
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "path"
    path.mkdir()
    monkeypatch.setenv("PATH", f"{path}:/usr/bin:/bin")
    monkeypatch.setenv("FAKE_HOME", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda _name: None)
    for name, script in (("apt-get", APT), ("dpkg-deb", DPKG)):
        (path / name).write_text(script)
        (path / name).chmod(0o755)
    return tmp_path


def test_a_program_is_unpacked_once_with_all_that_it_needs(machine: Path) -> None:
    first, second = (ensure_program("buildah", machine / "cache") for _ in range(2))

    assert first == second
    assert first.path.is_relative_to(machine / "cache")
    (asked,) = (machine / "asked").read_text().splitlines()
    assert {"buildah", "libgpgme11"} <= set(asked.split())
    assert {file.name for file in first.path.parent.iterdir()} >= {"of-p", "of-q"}
    assert not list((machine / "cache").rglob("*.deb"))
    assert Path(first.before[-1]).is_file(), "libraries are found by what it starts, too"


def test_what_was_unpacked_by_half_is_unpacked_anew(machine: Path) -> None:
    half = machine / "cache" / "debian" / "buildah" / "usr" / "bin"
    half.mkdir(parents=True)
    (half / "stale").touch()

    found = ensure_program("buildah", machine / "cache")

    assert found.path.is_file()
    assert not (half / "stale").exists()


def test_a_machine_without_apt_is_told_so_and_what_to_do(machine: Path) -> None:
    (machine / "path" / "apt-get").write_text("#!/bin/sh\necho no network; exit 1\n")

    with pytest.raises(RehearsalError) as error:
        ensure_program("buildah", machine / "cache")

    assert "no network" in error.value.why
    assert "put buildah on PATH" in error.value.mend
    assert not list((machine / "cache" / "debian").iterdir())
