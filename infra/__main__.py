"""Load, deploy, export: the only code of the program that runs as a script."""

import sys
from pathlib import Path

# Pulumi starts this folder, not the project's; `infra` itself must be found all the same.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pulumi

from infra import config
from infra.program import deploy


def main() -> None:
    try:
        fleet = config.load(pulumi.get_stack())
    except config.ConfigError as error:
        raise pulumi.RunError(str(error)) from error
    deploy(fleet, config.api_token()).export()


if __name__ == "__main__":
    main()
