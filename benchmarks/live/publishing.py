"""The generator's process, and what it tells."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.live.arms import Arm
from benchmarks.live.stage import Stage
from infra import names

Fact = Mapping[str, Any]
_LISTENS_S = 30.0
_ENDS_S = 5.0


class Publishing:
    """One generator; its facts go to `on_fact`, from a thread of its own."""

    def __init__(
        self, stage: Stage, arm: Arm, folder: Path, on_fact: Callable[[Fact], None]
    ) -> None:
        self._on_fact = on_fact
        self._listening = threading.Event()
        self._stage, self._arm, self._folder = stage, arm, folder

    def start(self, trace: Sequence[Mapping[str, Any]]) -> None:
        """Start it, and wait until it listens to the workers' events.

        Raises:
            RuntimeError: it ended, or does not listen.

        """
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / "trace.json"
        file.write_text(json.dumps(list(trace)))
        log = (self._folder / "generator.log").open("wb")
        with log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.live.generator", self._arm.app, str(file)],
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                # Ctrl-C is for who started it; it ends with its standard input.
                start_new_session=True,
            )
        threading.Thread(target=self._read, daemon=True).start()
        if not self._listening.wait(_LISTENS_S):
            self.stop()
            raise RuntimeError(f"the generator does not listen; see {log.name}")

    def go(self) -> None:
        """Let it publish."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe, as asked for
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def stop(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_ENDS_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - a pipe, as asked for
        with self._process.stdout as lines:
            for line in lines:
                fact = json.loads(line)
                if fact["kind"] == "listening":
                    self._listening.set()
                else:
                    self._on_fact(fact)

    def _environment(self) -> dict[str, str]:
        """What the arm's pods have, as far as a publisher needs it."""
        arm, folder = self._arm, self._folder
        secret = self._stage.cluster.secret(arm.namespace, names.BROKER) or {}
        settings = folder / "settings.json"
        settings.write_text(arm.settings)
        return {
            **os.environ,
            **arm.variables,
            "PYTHONPATH": str(self._stage.project.root),
            "CELERY_BROKER_URL": secret["brokerUrl"],
            "CELERY_RESULT_BACKEND": secret["resultBackend"],
            "FLEET_BROKER_CA_FILE": str(self._stage.ca_file()),
            "FLEET_SETTINGS_FILE": str(settings),
            "FLEET_DATA_DIR": str(folder),
            "IMAGINEER_MAINTENANCE_QUEUE": "work",
        }
