"""Tasks on real files: what they do, and that a second delivery does no harm."""

import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.worker_stage import contents, enter
from worker_image import fit
from worker_image.probes import RETURNED
from worker_image.stats import PROBE
from worker_image.storage import OutsideError, inside, write_atomically
from worker_image.tasks.canary import probe, work
from worker_image.tasks.labeling import label_image
from worker_image.tasks.samples import TRAINING_SET, make_samples
from worker_image.tasks.training import train


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(monkeypatch, tmp_path)


def test_samples_are_made_once_and_the_same_everywhere(data: Path) -> None:
    first = make_samples(count=3)
    made = contents(data / "samples")
    again = make_samples(count=3)

    assert first["written"] == 4
    assert again == {**first, "written": 0}
    (data / TRAINING_SET).unlink()
    (data / first["images"][1]).unlink()
    assert make_samples(count=3)["written"] == 2
    assert contents(data / "samples") == made


def test_an_image_is_labelled_by_its_path_in_the_data_folder(data: Path) -> None:
    image = make_samples(count=1)["images"][0]

    assert label_image(path=image)["labels"] == label_image(path=str(data / image))["labels"]
    assert "red" in label_image(path=image)["labels"]


@pytest.mark.parametrize("path", ["../settings.json", "/etc/hostname", "link"])
def test_an_image_outside_the_data_folder_is_refused(data: Path, path: str) -> None:
    (data / "link").symlink_to("/etc/hostname")

    with pytest.raises(OutsideError):
        label_image(path=path)


def test_thinking_takes_the_time_asked_for(data: Path) -> None:
    image = make_samples(count=1)["images"][0]
    started = time.monotonic()

    label_image(path=image, think_seconds=0.2)

    assert time.monotonic() - started >= 0.2
    assert data.is_dir()


def test_the_canary_holds_its_slot_as_long_as_asked() -> None:
    assert 0.1 <= work(seconds=0.1)["slept_seconds"] < 1


def test_the_probe_tells_its_own_run_and_is_named_as_everyone_calls_it() -> None:
    told = probe()

    assert told.keys() == RETURNED
    assert told["waited_seconds"] is None
    assert 0 < told["ran_seconds"] < 2
    assert probe.name == PROBE


def test_training_learns_to_tell_the_hues_apart(data: Path) -> None:
    make_samples(count=1)

    trained = train(run_id="run-1", epochs=5)

    assert trained["accuracy"] > 0.9
    assert (trained["epochs_run"], trained["epochs_resumed"]) == (5, 0)
    assert trained["device"] == "cpu"
    assert (data / "training" / "run-1").is_dir()


def test_a_run_that_resumes_ends_like_one_that_was_never_stopped(data: Path) -> None:
    make_samples(count=1)
    train(run_id="whole", epochs=4)

    train(run_id="halved", epochs=2)
    second = train(run_id="halved", epochs=4)

    assert (second["epochs_run"], second["epochs_resumed"]) == (2, 2)
    runs = [np.load(data / "training" / run / "checkpoint.npz") for run in ("whole", "halved")]
    for name in ("weights", "velocity", "epochs"):
        assert np.array_equal(runs[0][name], runs[1][name])


def test_a_run_killed_between_epochs_keeps_what_it_had(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_samples(count=1)
    save = fit.save

    def killed_after_two(model: fit.Model, *rest: Any) -> None:
        save(model, *rest)
        if model.epochs == 2:
            raise SystemExit

    monkeypatch.setattr(fit, "save", killed_after_two)
    with pytest.raises(SystemExit):
        train(run_id="run-1", epochs=4)
    monkeypatch.undo()
    enter(monkeypatch, data.parent)

    assert train(run_id="run-1", epochs=4)["epochs_resumed"] == 2


def test_a_finished_run_delivered_again_runs_no_epoch(data: Path) -> None:
    make_samples(count=1)
    first = train(run_id="run-1", epochs=2)

    assert train(run_id="run-1", epochs=2) == {**first, "epochs_run": 0, "epochs_resumed": 2}
    assert data.is_dir()


def test_a_checkpoint_of_other_parameters_is_refused(data: Path) -> None:
    make_samples(count=1)
    train(run_id="run-1", epochs=1)

    with pytest.raises(fit.CheckpointError, match="run-1 was begun with other parameters"):
        train(run_id="run-1", epochs=2, learning_rate=0.5)
    checkpoint = data / "training" / "run-1" / "checkpoint.npz"
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    with pytest.raises(fit.CheckpointError, match="is damaged"):
        train(run_id="run-1", epochs=2)


def test_training_without_samples_says_what_to_run(data: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"run samples\.make_samples first"):
        train(run_id="run-1", epochs=1)
    assert not (data / "training").exists()


def test_a_training_set_above_a_workers_memory_is_refused_before_it_is_unpacked(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_samples(count=1)
    unpacked: list[Any] = []
    monkeypatch.setattr(fit, "SIZE_MAX_BYTES", (data / TRAINING_SET).stat().st_size // 2)
    monkeypatch.setattr(np, "load", unpacked.append)

    with pytest.raises(fit.DatasetTooLargeError, match=r"training\.npz unpacks to"):
        train(run_id="big", epochs=1)
    assert unpacked == []


def test_an_epoch_copies_a_batch_at_a_time_and_never_the_whole_set() -> None:
    rows = 100_000
    classes = np.arange(rows) % 3
    data = fit.Dataset(np.ones((rows, 20)), classes)
    tracemalloc.start()
    fit.next_epoch(fit.Model.blank(data), data, 0, 0.05, np.matmul)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak_bytes < data.features.nbytes / 4


def test_a_path_inside_is_resolved(data: Path) -> None:
    assert inside(data, "a/../b.png") == (data / "b.png").resolve()


def test_a_write_that_fails_leaves_the_old_file_and_no_other(data: Path) -> None:
    write_atomically(data / "file", b"old")

    with pytest.raises(TypeError):
        write_atomically(data / "file", None)  # type: ignore[arg-type]  # the failure

    assert contents(data) == {"file": b"old"}
