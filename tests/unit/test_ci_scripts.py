"""The scripts behind the jobs take nothing unchecked, and say what they lack."""

import hashlib
import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from rehearsal.toolchain.pins import PINS
from tests.unit.recorder import ROOT
from tests.unit.stand_ins import stand_in

PULUMI = ROOT / ".ci/pulumi"


def run(script: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [script, *args], env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


@pytest.fixture(params=["x86_64", "aarch64"])
def runner(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner of a kind that the workflows may have, whichever machine this is."""
    (tmp_path / "machine").mkdir()
    # The script asks for the system, then for the processor.
    printed = [{"stdout": "Linux\n"}, {"stdout": f"{request.param}\n"}]
    stand_in("uname", tmp_path / "machine", monkeypatch, *printed * 2)


def releases(folder: Path) -> str:
    """A mirror with a made-up release for each processor; returns its checksum."""
    program = folder / "pulumi" / "pulumi"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho made-up\n")
    program.chmod(0o755)
    version = re.findall(r"^version=(.*)$", PULUMI.read_text(), re.MULTILINE)[0]
    archive = folder / f"pulumi-v{version}-linux-x64.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(program.parent, "pulumi")
    (folder / archive.name.replace("x64", "arm64")).write_bytes(archive.read_bytes())
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def test_the_release_is_of_the_version_that_the_project_pins() -> None:
    pinned = next(pin.version for pin in PINS if pin.tool == "pulumi")

    assert f"\nversion={pinned}\n" in PULUMI.read_text()


@pytest.mark.usefixtures("runner")
def test_a_release_with_another_checksum_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    found = releases(tmp_path / "mirror")
    cache = tmp_path / "cache"
    mirror = (tmp_path / "mirror").as_uri()

    ended = run(PULUMI, CELERY_FLEET_CACHE=str(cache), PULUMI_ARCHIVES=mirror)

    assert ended.returncode == 1
    assert f"is not what was pinned\n  why: its SHA-256 is {found}" in ended.stderr
    assert ended.stdout == ""
    assert not list(cache.iterdir())


@pytest.mark.usefixtures("runner")
def test_a_release_that_was_checked_is_unpacked_once(tmp_path: Path) -> None:
    found = releases(tmp_path / "mirror")
    script = tmp_path / "pulumi-script"
    script.write_text(re.sub(r"sum=[0-9a-f]{64}", f"sum={found}", PULUMI.read_text()))
    script.chmod(0o755)
    env = {"CELERY_FLEET_CACHE": str(tmp_path / "cache")}

    first = run(script, **env, PULUMI_ARCHIVES=(tmp_path / "mirror").as_uri())
    again = run(script, **env, PULUMI_ARCHIVES="file:///nowhere")

    assert first.stdout == again.stdout
    assert (Path(first.stdout.strip()) / "pulumi").is_file()
    assert again.returncode == 0, again.stderr


@pytest.mark.usefixtures("runner")
def test_a_command_of_a_job_has_the_pinned_pulumi_and_the_jobs_role(tmp_path: Path) -> None:
    text = PULUMI.read_text()
    (version,) = re.findall(r"^version=(.*)$", text, re.MULTILINE)
    folders = [
        tmp_path / f"pulumi-{version}-{sum_[:12]}" / "pulumi"
        for sum_ in re.findall(r"sum=([0-9a-f]{64})", text)
    ]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "pulumi").touch(mode=0o755)
    env = {"CELERY_FLEET_CACHE": str(tmp_path), "RUNNER_TEMP": str(tmp_path / "temp")}

    told = run(ROOT / ".ci/with-pulumi", "env", **env).stdout.splitlines()

    path = next(line for line in told if line.startswith("PATH="))
    first, second, *_ = path.removeprefix("PATH=").split(os.pathsep)
    assert first == str(ROOT / ".venv/bin")
    assert Path(second) in folders
    file = f"AWS_SHARED_CREDENTIALS_FILE={tmp_path}/temp/aws-credentials"
    assert file in told
    where = 'AWS_SHARED_CREDENTIALS_FILE="$RUNNER_TEMP/aws-credentials"'
    assert where in (ROOT / ".ci/sign-in").read_text()


def test_a_machine_without_a_release_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in("uname", tmp_path, monkeypatch, {"stdout": "Darwin\n"}, {"stdout": "arm64\n"})

    ended = run(PULUMI)

    assert ended.returncode == 1
    assert "no Pulumi release is pinned for Darwin arm64\n  mend: put Pulumi" in ended.stderr


@pytest.mark.parametrize("script", ["sign-in", "preview", "smoke", "builder", "deployed"])
def test_a_script_without_its_arguments_says_how_it_is_called(script: str) -> None:
    ended = run(ROOT / ".ci" / script)

    assert ended.returncode != 0
    assert re.search(rf"error: name .*: \.ci/{script} [A-Z]", ended.stderr)


def test_the_kubeconfig_of_a_smoke_test_is_the_owners_alone_and_gone_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in("pulumi", tmp_path, monkeypatch, {"stdout": "kind: Config\n"})
    fleet = stand_in("fleet", tmp_path, monkeypatch, {"code": 3})

    ended = run(ROOT / ".ci/smoke", "staging", TMPDIR=str(tmp_path))

    (call,) = fleet.calls
    assert call["args"][:3] == ["smoke", "--stack", "staging"]
    assert call["mode"][call["args"][-1]] == "0o600"
    assert not Path(call["args"][-1]).exists()
    assert ended.returncode == 3


def test_a_preview_gets_the_image_that_was_built_of_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = stand_in("python", tmp_path, monkeypatch, {"stdout": "registry/worker@sha256:1f\n"})
    fleet = stand_in("fleet", tmp_path, monkeypatch)

    assert run(ROOT / ".ci/preview", "staging", "feat/x y", "0123abc").returncode == 0

    image = ["-m", "fleet.pipeline", "image", "--stack", "staging", "--revision", "0123abc"]
    assert python.calls[0]["args"] == image
    up = ["preview", "up", "--base", "staging", "--branch", "feat/x y"]
    assert fleet.calls[0]["args"] == [*up, "--image", "registry/worker@sha256:1f", "--smoke"]


def test_a_preview_is_not_brought_up_with_an_image_that_was_not_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in("python", tmp_path, monkeypatch, {"code": 1})
    fleet = stand_in("fleet", tmp_path, monkeypatch)

    assert run(ROOT / ".ci/preview", "staging", "main", "0123abc").returncode == 1
    assert not fleet.calls
