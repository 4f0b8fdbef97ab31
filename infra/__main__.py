"""Load, deploy, export: the only code of the program that runs as a script."""

import atexit
import gc
import sys
from pathlib import Path

# A run lasts seconds and leaves little to collect. Looking for it costs a quarter of its CPU, and
# at its end half a second more, unless all that there is by then is left alone.
gc.disable()
atexit.register(gc.freeze)
# Pulumi starts this folder, not the project's; `infra` itself must be found all the same.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pulumi  # noqa: E402 - its imports are most of what the collector would look through

from infra import config  # noqa: E402 - likewise
from infra.program import deploy  # noqa: E402 - likewise


def main() -> None:
    try:
        fleet = config.load(pulumi.get_stack())
    except config.ConfigError as error:
        raise pulumi.RunError(str(error)) from error
    deploy(fleet, config.api_token()).export()


if __name__ == "__main__":
    main()
