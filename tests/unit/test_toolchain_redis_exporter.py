"""redis_exporter comes from PATH where it will do, else out of the distribution's package, once."""

from pathlib import Path

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.toolchain import ensure_redis_exporter

PROGRAM = "#!/bin/sh\necho 'level=info msg=\"Redis Metrics Exporter {} Go: go1.26\"'\n"
# In place of apt-get and dpkg-deb: a package that is nothing but its program.
APT = """#!/bin/sh
echo "$@" >> "$FAKE_HOME/asked"
case "$@" in
*update*) touch lists; exit ;;
*download*) [ -n "$FAKE_LISTS" -o -e lists ] && touch p.deb && exit
    echo "E: Unable to locate package"; exit 100 ;;
esac
"""
DPKG = """#!/bin/sh
mkdir -p "$3/usr/bin" && cp "$FAKE_HOME/packaged" "$3/usr/bin/prometheus-redis-exporter"
"""


class Machine:
    """A machine with stand-ins of apt-get and dpkg-deb on PATH, and an empty cache."""

    def __init__(self, home: Path) -> None:
        self.home, self.path = home, home / "path"
        self.path.mkdir()
        self.lines: list[str] = []
        self.program(self.path / "apt-get", APT)
        self.program(self.path / "dpkg-deb", DPKG)
        self.program(home / "packaged", PROGRAM.format("1.45.0-2+b4"))

    def program(self, path: Path, script: str) -> Path:
        path.write_text(script)
        path.chmod(0o755)
        return path

    def asked(self) -> list[str]:
        log = self.home / "asked"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    monkeypatch.setenv("CELERY_FLEET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_HOME", str(tmp_path))
    monkeypatch.setenv("FAKE_LISTS", "there")
    return Machine(tmp_path)


@pytest.mark.parametrize("name", ["redis_exporter", "prometheus-redis-exporter"])
def test_one_on_path_is_taken_by_either_name(machine: Machine, name: str) -> None:
    tool = machine.program(machine.path / name, PROGRAM.format("v1.88.0"))

    assert ensure_redis_exporter(machine.lines.append) == tool
    assert machine.asked() == machine.lines == []


def test_one_too_old_is_passed_over_and_the_package_unpacked_once(machine: Machine) -> None:
    machine.program(machine.path / "redis_exporter", PROGRAM.format("v1.16.0"))

    first, second = (ensure_redis_exporter(machine.lines.append) for _ in range(2))

    assert first == second
    assert first.is_relative_to(machine.home / "cache")
    assert len(machine.asked()) == len(machine.lines) == 1
    assert not [path for path in first.parents[2].iterdir() if path.suffix == ".deb"]


def test_a_machine_without_package_lists_gets_its_own_and_leaves_the_systems_alone(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_LISTS", "")

    assert ensure_redis_exporter(machine.lines.append).exists()

    _, update, download = machine.asked()
    for command in (update, download):
        assert f"Dir::State={machine.home / 'cache'}" in command


def test_a_package_too_old_is_told_with_both_versions(machine: Machine) -> None:
    machine.program(machine.home / "packaged", PROGRAM.format("1.16.0-1+b5"))

    with pytest.raises(RehearsalError, match=r"older than 1\.45\.0"):
        ensure_redis_exporter(machine.lines.append)


def test_a_machine_without_apt_is_told_what_to_do(machine: Machine) -> None:
    (machine.path / "apt-get").write_text("#!/bin/sh\necho no network; exit 1\n")

    with pytest.raises(RehearsalError) as error:
        ensure_redis_exporter(machine.lines.append)

    assert "no network" in error.value.why
    assert "monitoring.redisExporter: false" in error.value.mend
    assert not list((machine.home / "cache" / "packages").iterdir())
