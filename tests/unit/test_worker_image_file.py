"""What the image's build file promises without a build, and what its label is made of."""

import re
from pathlib import Path

import pytest

from infra.manifests.container import heartbeat_probe
from worker_image import sbom

IMAGE = Path(__file__).resolve().parents[2] / "worker_image"
LOCK = """\
amqp==5.4.2 \\
    --hash=sha256:aa
async-timeout==5.0.1 ; python_full_version < '3.11.3' \\
    --hash=sha256:bb
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:cc
numpy==2.5.5 ; python_full_version >= '3.12' \\
    --hash=sha256:dd
tzdata==2026.6 ; sys_platform == 'win32' \\
    --hash=sha256:ee
"""


@pytest.fixture(scope="module")
def lines() -> str:
    """The instructions, each on one line."""
    return (IMAGE / "Dockerfile").read_text().replace("\\\n", " ")


def stages(lines: str) -> dict[str, str]:
    """Instructions of each stage by its name."""
    parts = re.split(r"^FROM (\S+) AS (\S+)$", lines, flags=re.MULTILINE)[1:]
    return {f"{parts[n + 1]} from {parts[n]}": parts[n + 2] for n in range(0, len(parts), 3)}


def test_the_base_is_one_digest_that_a_build_may_replace(lines: str) -> None:
    assert re.search(r"^ARG BASE=python:3\.11-\S+@sha256:[0-9a-f]{64}$", lines, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", lines, re.MULTILINE)) == {
        "${BASE}",
        "packages",
        "runtime",
    }


@pytest.mark.parametrize("flavour", ["cpu", "gpu"])
def test_a_flavour_copies_what_was_built_and_ends_as_a_numeric_user(
    lines: str, flavour: str
) -> None:
    stage = stages(lines)[f"{flavour} from runtime"]

    assert re.findall(r"^USER (\S+)$", stage, re.MULTILINE) == ["10001:10001"]
    assert stage.index("USER") > stage.index("LABEL")
    assert "pip" not in stage.replace("dev.celery-fleet", "")
    assert not re.search(r"^ADD|apt-get", stage, re.MULTILINE)


def test_the_flavour_of_a_build_without_a_target_is_cpu(lines: str) -> None:
    assert next(reversed(stages(lines))) == "cpu from runtime"


def test_only_stages_that_are_thrown_away_install(lines: str) -> None:
    installing = {name for name, text in stages(lines).items() if re.search("apt-get|/pip ", text)}

    assert installing == {
        "tools from ${BASE}",
        "packages from ${BASE}",
        "packages-gpu from packages",
    }
    for text in (stages(lines)[name] for name in installing if "packages" in name):
        for run in re.findall("pip .* install .*", text):
            assert "--require-hashes" in run
            assert "--no-cache-dir" in run


def test_every_compilation_keeps_no_clock_and_no_seed(lines: str) -> None:
    compiled = re.findall(r"python -m compileall[^&]*", lines)

    assert compiled
    assert all("--invalidation-mode unchecked-hash" in each for each in compiled)
    assert lines.count("PYTHONHASHSEED=0") == 2


def test_the_image_checks_its_heart_as_its_pods_do(lines: str) -> None:
    (script,) = re.findall(r"HEALTHCHECK .* CMD (.*)", lines)

    assert heartbeat_probe(20, 3)["exec"]["command"] == ["sh", "-c", script]


def test_process_one_is_tini(lines: str) -> None:
    assert 'ENTRYPOINT ["tini", "--"]' in lines


@pytest.mark.parametrize(
    ("python", "told"),
    [
        ("3.11.2", "amqp==5.4.2 async-timeout==5.0.1 numpy==2.4.6"),
        ("3.11.14", "amqp==5.4.2 numpy==2.4.6"),
        ("3.13.1", "amqp==5.4.2 numpy==2.5.5"),
    ],
)
def test_the_label_names_what_counts_for_the_bases_python(python: str, told: str) -> None:
    assert sbom.locked([LOCK], python) == told


def test_two_locks_make_one_label() -> None:
    assert sbom.locked([LOCK, "Foo_Bar==1.0 \\\n"], "3.13.1").startswith(
        "amqp==5.4.2 foo-bar==1.0 "
    )


def test_a_label_that_is_not_what_is_installed_is_refused() -> None:
    installed = sbom.installed()
    wrong = installed.replace("celery==5.7.0", "celery==5.6.0")

    assert sbom.main(["--installed", installed]) is None
    told = sbom.main(["--installed", wrong])
    assert told is not None
    assert "lacks ['celery==5.7.0'] and names ['celery==5.6.0']" in told


def test_the_gpu_lock_adds_to_the_workers_and_changes_none_of_it() -> None:
    told = [
        sbom.locked([(IMAGE / name).read_text()], "3.11.14")
        for name in ("requirements.txt", "requirements-gpu.txt")
    ]
    both = [dict(pin.split("==") for pin in text.split()) for text in told]

    assert "torch" in both[1]
    assert {
        name for name in both[0].keys() & both[1].keys() if both[0][name] != both[1][name]
    } == set()
