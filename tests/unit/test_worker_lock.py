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
