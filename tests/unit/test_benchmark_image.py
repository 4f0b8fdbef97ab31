"""What the image's benchmark says of its figures, and what it compares."""

import pytest

from benchmarks.image import page
from benchmarks.image.arms import Shape, config, may_be_held
from benchmarks.image.report import LayerWeight, Report, instruction
from benchmarks.image.speed import Speed, Wait
from benchmarks.image.weight import Idle
from infra.manifests.deployment import worker_command


def report(ratio: float = 1.0, start_s: float = 1.0, **changes: object) -> Report:
    figures = {
        "layers": [],
        "starts_s": {"plain": 2.0, "checkout": start_s},
        "idle": [Idle("solo x1", 50.0, 60.0)],
        "speeds": [Speed("solo x1", 0.01, 90.0, 90.0 * ratio, ratio, (ratio, ratio))],
        "waits": [Wait("solo x1", "plain", 1.0, 2.0), Wait("solo x1", "fleet", 3.0, 4.0)],
        "pairs": 5,
        "took_s": 1.0,
    }
    return Report(**{**figures, **changes})  # type: ignore[arg-type]  # mypy: a dict of all kinds


def test_figures_within_their_targets_are_no_problem() -> None:
    assert report(ratio=0.95, start_s=1.5).problems == []
    assert "All targets are met." in page.markdown(report())


def test_a_missed_target_is_told_with_its_figure_and_its_limit() -> None:
    told = report(ratio=0.9, start_s=1.6)

    assert told.problems == [
        "a worker in checkout has its first result after 1.60 s, above 1.5",
        "solo x1 does 0.90 of a plain app's tasks of 10 ms, below 0.95",
    ]
    assert all(f"- Missed: {problem}." in page.markdown(told) for problem in told.problems)


def test_the_page_says_whether_an_image_was_built() -> None:
    assert "No image was built" in page.markdown(report())

    built = page.markdown(report(layers=[LayerWeight("pip install", 100.0)]))
    assert "No image was built" not in built
    assert "| RUN pip install | 100.0 |" in built


@pytest.mark.parametrize(
    ("made_by", "told"),
    [
        ("/bin/sh", "the base"),
        ("/bin/sh -c #(nop) COPY dir:e24c68d6 in /opt/venv ", "COPY /opt/venv"),
        ('|2 A=1 B=2 /bin/sh -c python -B -m sbom "${A}"', 'RUN python -B -m sbom "${A}"'),
        (f"/bin/sh -c echo {'x' * 80}", f"RUN echo {'x' * 48}..."),
    ],
)
def test_a_layer_is_named_by_its_instruction(made_by: str, told: str) -> None:
    assert instruction(made_by) == told


def test_each_row_names_the_pool_and_both_arms() -> None:
    told = page.markdown(report(ratio=1.1))

    assert "| solo x1 | 10 | 90 | 99 | 1.10 | 1.10 to 1.10 |" in told
    assert "| solo x1 | 1.0 / 2.0 | 3.0 / 4.0 |" in told


@pytest.mark.parametrize(("task_s", "held"), [(0.0, "4"), (0.01, "4"), (0.1, "1")])
def test_the_fleets_worker_holds_what_its_model_allows(task_s: float, held: str) -> None:
    holds = may_be_held(task_s)
    words = worker_command(config(Shape("prefork", 2), holds=holds), "default")

    assert f"--prefetch-multiplier={held}" in words
    assert ("--disable-prefetch" in words) is (held == "1")
