"""The image installs what the project's tests run with, from a base that does not move."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMAGE = ROOT / "worker_image"


def pins(file: Path) -> set[tuple[str, str]]:
    """Names and versions, without the platforms they are for."""
    return set(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", file.read_text(), re.MULTILINE))


def test_the_images_versions_are_the_projects() -> None:
    project, image = pins(ROOT / "requirements.txt"), pins(IMAGE / "requirements.txt")

    assert {("celery", "5.7.0"), ("kombu", "5.7.0")} <= image
    assert image - project == set()


def test_every_pin_of_the_image_has_a_hash() -> None:
    entries = re.split(r"^(?=[a-z])", (IMAGE / "requirements.txt").read_text(), flags=re.MULTILINE)

    assert [entry for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []


def test_the_image_holds_nothing_of_the_operators_tools() -> None:
    names = {name for name, _ in pins(IMAGE / "requirements.txt")}

    assert names & {"pulumi", "kubernetes", "matplotlib", "pytest", "grpcio"} == set()


def test_the_base_is_pinned_and_the_process_is_nobody_special() -> None:
    dockerfile = (IMAGE / "Dockerfile").read_text()

    assert re.search(
        r"^ARG PYTHON_IMAGE=python:3\.11-\S+@sha256:[0-9a-f]{64}$", dockerfile, re.MULTILINE
    )
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"${PYTHON_IMAGE}"}
    assert re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE)[-1] == "10001:10001"
    assert 'ENTRYPOINT ["tini", "--"]' in dockerfile
