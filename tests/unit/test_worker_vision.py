"""Labels of images whose pixels are known."""

from pathlib import Path

import pytest
from PIL import Image

from worker_image.samples import HUES_DEGREES, image_png
from worker_image.vision import UnreadableImageError, label


def drawn(folder: Path, *colours: tuple[int, int, int], size: tuple[int, int] = (40, 40)) -> Path:
    """Save an image of equal vertical stripes."""
    image = Image.new("RGB", size)
    width = size[0] // len(colours)
    for index, colour in enumerate(colours):
        image.paste(colour, (index * width, 0, (index + 1) * width, size[1]))
    file = folder / "image.png"
    image.save(file)
    return file


@pytest.mark.parametrize(
    ("grey", "expected"), [(0, "dark"), (60, "dark"), (128, "medium"), (255, "bright")]
)
def test_brightness_is_the_mean_of_the_pixels(tmp_path: Path, grey: int, expected: str) -> None:
    labels = label(drawn(tmp_path, (grey, grey, grey)))

    assert labels["brightness"] == pytest.approx(grey / 255, abs=1e-4)
    assert labels["labels"] == [expected, "grey", "flat", "square"]


def test_contrast_is_the_spread_of_the_pixels(tmp_path: Path) -> None:
    labels = label(drawn(tmp_path, (0, 0, 0), (255, 255, 255)))

    assert labels["contrast"] == pytest.approx(0.5)
    assert "contrasty" in labels["labels"]
    assert "soft" in label(drawn(tmp_path, (90, 90, 90), (160, 160, 160)))["labels"]


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((200, 0, 0), "red"),
        ((200, 0, 20), "red"),
        ((220, 110, 0), "orange"),
        ((220, 220, 0), "yellow"),
        ((0, 160, 0), "green"),
        ((0, 200, 200), "cyan"),
        ((0, 0, 200), "blue"),
        ((110, 0, 200), "purple"),
        ((230, 0, 160), "pink"),
    ],
)
def test_a_hue_is_named(tmp_path: Path, colour: tuple[int, int, int], name: str) -> None:
    assert label(drawn(tmp_path, colour))["labels"][1:-2] == [name]


def test_the_widest_hue_comes_first_and_a_narrow_one_is_left_out(tmp_path: Path) -> None:
    blue, red, green = (0, 0, 200), (200, 0, 0), (0, 160, 0)
    file = drawn(tmp_path, *[blue] * 6, *[red] * 3, green, size=(100, 40))

    assert label(file)["labels"][1:-2] == ["blue", "red"]


@pytest.mark.parametrize(
    ("size", "expected"),
    [((60, 40), "landscape"), ((40, 60), "portrait"), ((100, 99), "square")],
)
def test_orientation_is_of_the_whole_image(
    tmp_path: Path, size: tuple[int, int], expected: str
) -> None:
    labels = label(drawn(tmp_path, (9, 9, 9), size=size))

    assert labels["labels"][-1] == expected
    assert (labels["width"], labels["height"]) == size


def test_a_file_that_is_no_image_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "page.png"
    file.write_text("<html>")

    with pytest.raises(UnreadableImageError, match=r"page\.png is no readable image"):
        label(file)


def test_an_image_too_large_to_decode_is_refused(tmp_path: Path) -> None:
    file = drawn(tmp_path, (0, 0, 0), size=(8000, 7000))

    with pytest.raises(UnreadableImageError, match="above 50000000 pixels"):
        label(file)


@pytest.mark.parametrize("index", range(len(HUES_DEGREES)))
def test_each_sample_image_shows_the_hue_it_was_drawn_in(tmp_path: Path, index: int) -> None:
    file = tmp_path / "sample.png"
    file.write_bytes(image_png(index))

    assert label(file)["labels"][1] == list(HUES_DEGREES)[index]
