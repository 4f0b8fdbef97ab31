"""Fleet to plain throughput, a bar for each pool and length of task."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

from benchmarks.image.report import RATIO_LEAST
from benchmarks.image.speed import Speed

mpl.use("Agg")
from matplotlib import pyplot as plt

_WIDTH = 0.8


def save(speeds: Sequence[Speed], path: Path) -> None:
    """Draw the ratios with their quartiles."""
    shapes = list(dict.fromkeys(each.shape for each in speeds))
    lengths_s = sorted({each.task_s for each in speeds})
    by = {(each.shape, each.task_s): each for each in speeds}
    figure, axis = plt.subplots(figsize=(10.4, 3.8), layout="constrained")
    for number, task_s in enumerate(lengths_s):
        drawn = [by[shape, task_s] for shape in shapes]
        ratios = [each.ratio for each in drawn]
        axis.bar(
            [at + _WIDTH * (number / len(lengths_s) - 0.5) for at in range(len(shapes))],
            ratios,
            _WIDTH / len(lengths_s),
            align="edge",
            label=f"{1000 * task_s:g} ms",
            yerr=[
                [each.ratio - each.ratio_range[0] for each in drawn],
                [each.ratio_range[1] - each.ratio for each in drawn],
            ],
            error_kw={"linewidth": 0.8},
        )
    axis.axhline(RATIO_LEAST, color="grey", linestyle="--", linewidth=1)
    axis.set_xticks(range(len(shapes)), shapes)
    axis.set_ylabel("tasks a second, fleet to plain")
    axis.set_title("Throughput beside a plain Celery app (line: target, whiskers: quartiles)")
    axis.legend(title="task", frameon=False, ncols=len(lengths_s))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, format="png")
    plt.close(figure)
