"""Metadata, features, images and releases: what the tasks write, and that twice is once."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.unit.worker_stage import enter
from worker_image.buildah import BuildError
from worker_image.storage import OutsideError
from worker_image.tasks.build import build_image
from worker_image.tasks.deploy_build import deploy
from worker_image.tasks.extraction import extract_features
from worker_image.tasks.quick import update_metadata
from worker_image.tasks.samples import make_samples
from worker_image.vision import UnreadableImageError

BUILDAH = """#!/bin/sh
# Stand-in: notes what it was asked, and writes the archive it was asked for.
echo "$@" >> "$(dirname "$0")/asked"
if [ "$FAIL" ]; then echo "no such base" >&2; exit 125; fi
for last; do :; done
case "$last" in oci-archive:*) rest="${last#*:}"; echo image > "${rest%:*}";; esac
"""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(monkeypatch, tmp_path)


@pytest.fixture
def context(data: Path) -> Path:
    folder = data / "contexts" / "web"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY page /\n")
    (folder / "page").write_text("hello")
    return folder


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in of buildah, first on PATH, notes what it was asked."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "buildah").write_text(BUILDAH)
    (tools / "buildah").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    return tools / "asked"


def test_metadata_is_merged_by_key(data: Path) -> None:
    update_metadata(name="model-1", values={"layers": 12, "tags": ["a"]})
    told = update_metadata(name="model-1", values={"layers": 24, "done": True})

    assert told == {"path": "metadata/model-1.json", "keys": 3, "changed": ["done", "layers"]}
    stored = json.loads((data / told["path"]).read_bytes())
    assert stored == {"layers": 24, "tags": ["a"], "done": True}


def test_the_same_update_twice_writes_nothing(data: Path) -> None:
    path = data / update_metadata(name="m", values={"n": 1, "none": None})["path"]
    before = path.stat().st_mtime_ns, path.stat().st_ino

    assert update_metadata(name="m", values={"n": 1, "none": None})["changed"] == []
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before
    assert update_metadata(name="m", values={"n": True})["changed"] == ["n"]


def test_updates_at_the_same_time_lose_nothing(data: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: update_metadata(name="m", values={f"k{n}": n}), range(40)))

    assert len(json.loads((data / "metadata" / "m.json").read_bytes())) == 40


def test_a_file_that_is_no_object_is_left_alone(data: Path) -> None:
    (data / "metadata").mkdir()
    (data / "metadata" / "m.json").write_text("[]")

    with pytest.raises(TypeError, match=r"metadata/m\.json holds no JSON object"):
        update_metadata(name="m", values={"n": 1})
    assert (data / "metadata" / "m.json").read_text() == "[]"


@pytest.mark.parametrize("values", [{}, {"n": object()}])
def test_metadata_that_is_none_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="values"):
        update_metadata(name="m", values=values)


def test_features_of_a_folder_do_not_depend_on_the_batch(data: Path) -> None:
    images = make_samples(count=7)["images"]

    told = extract_features(batch=3)
    vectors = np.load(data / told["path"], allow_pickle=False)
    extract_features(batch=32)

    assert vectors.shape == (7, told["length"]) == (7, 792)
    assert np.array_equal(vectors, np.load(data / told["path"]))
    assert json.loads((data / told["images_path"]).read_bytes()) == images
    assert vectors.dtype == np.float32
    assert vectors.min() >= 0
    assert vectors.max() <= 1


def test_images_of_one_hue_lie_closer_than_those_of_two(data: Path) -> None:
    # The hues of the samples repeat after six.
    make_samples(count=12)

    vectors = np.load(data / extract_features()["path"])

    same, other = np.linalg.norm(vectors[0] - vectors[6]), np.linalg.norm(vectors[0] - vectors[3])
    assert same < other / 2


def test_features_of_one_image_are_those_of_its_row_in_the_folder(data: Path) -> None:
    image = make_samples(count=2)["images"][1]

    alone = np.load(data / extract_features(path=image)["path"])

    assert np.array_equal(alone[0], np.load(data / extract_features()["path"])[1])


def test_what_is_no_folder_of_images_is_refused(data: Path) -> None:
    for path in (".", "../data", str(data)):
        with pytest.raises(OutsideError):
            extract_features(path=path)
    with pytest.raises(OutsideError):
        extract_features(path="../settings.json")
    with pytest.raises(FileNotFoundError, match="no images in 'samples'"):
        extract_features()
    (data / "bad.png").write_text("no image")
    with pytest.raises(UnreadableImageError):
        extract_features(path="bad.png")
    assert not (data / "features" / "bad.png.npy").exists()


def test_without_buildah_a_build_says_what_is_missing(
    context: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(context))

    with pytest.raises(BuildError, match=r"buildah is missing on this worker's PATH: .* add it"):
        build_image(name="web", context="contexts/web")


def test_an_image_is_built_once_while_its_folder_is_the_same(
    data: Path, context: Path, asked: Path
) -> None:
    first = build_image(name="web", context="contexts/web")
    again = build_image(name="web", context="contexts/web")

    assert (data / first["path"]).read_text() == "image\n"
    assert (first["built"], again) == (True, {**first, "built": False})
    build, push = asked.read_text().splitlines()
    assert f"--tag localhost/web --file {context}/Dockerfile {context}" in build
    assert push.endswith("web.tar:web")
    (context / "page").write_text("bye")
    assert build_image(name="web", context="contexts/web")["built"]
    assert {f.name for f in (data / "images").iterdir()} == {"web.tar", "web.json", ".web.tar.lock"}


def test_a_failed_build_keeps_the_image_before_it_and_tells_why(
    data: Path, context: Path, asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build_image(name="web", context="contexts/web")
    (context / "page").write_text("bye")
    monkeypatch.setenv("FAIL", "1")

    with pytest.raises(BuildError, match="buildah ended with 125: no such base"):
        build_image(name="web", context="contexts/web")

    assert (data / first["path"]).exists()
    assert asked.exists()
    monkeypatch.delenv("FAIL")
    assert build_image(name="web", context="contexts/web")["built"]


def test_a_folder_that_builds_nothing_is_refused(data: Path, asked: Path) -> None:
    (data / "empty").mkdir()

    with pytest.raises(BuildError, match="empty is no folder with a Containerfile or Dockerfile"):
        build_image(name="web", context="empty")
    with pytest.raises(OutsideError):
        build_image(name="web", context="..")
    assert not asked.exists()


def test_a_release_is_recorded_once(data: Path) -> None:
    first = deploy(name="web")
    before = (data / first["path"]).read_bytes()

    assert deploy(name="web") == first
    assert (data / first["path"]).read_bytes() == before
    assert deploy(name="web", version="2")["releases"] == 2
    assert deploy(name="web")["release"] == first["release"]


@pytest.mark.usefixtures("asked")
def test_a_release_names_the_image_that_was_built(context: Path) -> None:
    mark = build_image(name="web", context="contexts/web")["context_mark"]
    (context / "page").write_text("bye")

    assert deploy(name="web")["release"]["context_mark"] == mark
    assert deploy(name="other")["release"]["context_mark"] is None
