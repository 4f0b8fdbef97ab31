"""Datasets counted, turned into numbers and made clean, with the same result each time."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.unit.worker_stage import enter
from worker_image import text
from worker_image.tasks.datasets import ingest
from worker_image.tasks.processing import tokenize, transform

BODY = b"".join(b"line %d, and so on\n" % number for number in range(2500))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(monkeypatch, tmp_path)


def write(data: Path, name: str, content: bytes) -> None:
    (data / "datasets").mkdir(exist_ok=True)
    (data / "datasets" / name).write_bytes(content)


def test_a_dataset_is_counted_and_indexed(data: Path) -> None:
    write(data, "a.txt", BODY + b"\n\xff\n")

    told = ingest(name="a.txt")

    assert (told["lines"], told["records"], told["unreadable"]) == (2502, 2500, 1)
    index = json.loads((data / told["index"]).read_bytes())
    content = (data / "datasets" / "a.txt").read_bytes()
    for number, offset in enumerate(index["offsets_bytes"]):
        assert content[offset:].startswith(b"line %d," % (number * index["every_lines"]))
    before = (data / told["index"]).read_bytes()
    assert ingest(name="a.txt") == told
    assert (data / told["index"]).read_bytes() == before


def test_the_records_of_json_lines_are_the_ones_that_parse(data: Path) -> None:
    write(data, "a.jsonl", b'{"a": 1}\n\n{"a": \n[]')

    told = ingest(name="a.jsonl")

    assert (told["lines"], told["records"], told["unreadable"]) == (4, 2, 1)


def test_a_dataset_that_is_not_there_says_what_to_run(data: Path) -> None:
    for task in (ingest, tokenize, transform):
        with pytest.raises(FileNotFoundError, match=r"datasets/a\.txt is missing: run datasets\."):
            task(name="a.txt")
    assert data.is_dir()


def test_a_file_without_line_ends_is_refused(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "LINE_MAX_BYTES", 10)
    write(data, "a.txt", b"x" * 11)

    with pytest.raises(text.NoTextError, match="a line above 10 bytes"):
        ingest(name="a.txt")


def test_a_text_becomes_numbers_that_lead_back_to_its_words(data: Path) -> None:
    write(data, "a.txt", "The cat, the hat.\nDie Möwe\n".encode())

    told = tokenize(name="a.txt")

    vocabulary = json.loads((data / told["vocabulary_path"]).read_bytes())
    assert vocabulary == {"the": 2, "cat": 1, ",": 1, "hat": 1, ".": 1, "die": 1, "möwe": 1}
    assert (told["tokens"], told["distinct"]) == (8, 7)
    assert next(iter(told["most_common"].items())) == ("the", 2)
    ordered = sorted(vocabulary, key=lambda token: (-vocabulary[token], token))
    numbers = np.load(data / told["tokens_path"], allow_pickle=False)
    back = " ".join(ordered[number] for number in numbers)
    assert back == "the cat , the hat . die möwe"
    assert tokenize(name="a.txt") == told


def test_an_empty_text_has_no_tokens(data: Path) -> None:
    write(data, "a.txt", b"")

    assert tokenize(name="a.txt")["tokens"] == 0


def test_a_text_is_made_clean(data: Path) -> None:
    write(data, "a.txt", "cafe\u0301  au\tlait \n\ncaf\u00e9 au lait\nlast".encode())

    told = transform(name="a.txt")

    assert (data / told["path"]).read_text() == "caf\u00e9 au lait\nlast\n"
    assert (told["lines"], told["blank"], told["repeated"]) == (2, 1, 1)
    assert transform(name="a.txt") == told
