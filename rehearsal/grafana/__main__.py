"""`python -m rehearsal.grafana`: draws dashboards out of a running Prometheus, a picture each."""

import argparse
import json
import time
from pathlib import Path

from rehearsal.grafana.asking import Prometheus
from rehearsal.grafana.drawing import draw


def main() -> None:
    """Draw every dashboard of a folder."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal.grafana")
    parser.add_argument("--prometheus", required=True, help="URL of Prometheus")
    parser.add_argument(
        "--dashboards", type=Path, required=True, help="what `fleet dashboards` wrote"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the pictures")
    parser.add_argument("--minutes", type=float, default=15.0, help="how far back")
    parser.add_argument("--end", type=float, default=time.time(), help="Unix time; now")
    given = parser.parse_args()
    end_s = given.end
    prometheus = Prometheus(given.prometheus, end_s - given.minutes * 60, end_s)
    given.out.mkdir(parents=True, exist_ok=True)
    for file in sorted(given.dashboards.glob("*.json")):
        picture = given.out / f"{file.stem}.png"
        empty = draw(json.loads(file.read_text()), prometheus, picture)
        print(f"drew {picture}" + (f"; without data: {', '.join(empty)}" if empty else ""))  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
