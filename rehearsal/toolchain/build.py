"""Builds one pinned tool with `go build`; what is not whole never reaches its place."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rehearsal.toolchain.failures import explain
from rehearsal.toolchain.folders import CacheFolders
from rehearsal.toolchain.pins import KEDA_MODULE, MODULES, Pin, build_arguments
from rehearsal.toolchain.seals import install

TICK_S = 1.0
STOP_GRACE_S = 10
"""Go removes its scratch files on an interrupt; after that it is killed."""


@dataclass(frozen=True)
class Builder:
    """Runs Go with one environment, into one cache."""

    go: Path
    folders: CacheFolders
    environ: Mapping[str, str]
    tick: Callable[[], None]
    """Called about once a second while Go runs."""

    def build(self, pin: Pin) -> Path:
        """Build a tool and return its place.

        Raises RehearsalError where Go fails.
        """
        partial = self.folders.unfinished / pin.tool
        command = [str(self.go), "build", "-o", str(partial), *build_arguments(pin)]
        self._run(f"building {pin.tool} {pin.version} failed", command, pin.module, pin.tool)
        target = self.folders.bin / pin.tool
        install(partial, target, self.folders.seals / pin.tool)
        return target

    def copy_crds(self, name: str) -> Path:
        """Copy KEDA's CustomResourceDefinitions out of its module and return their folder.

        Raises RehearsalError where the module cannot be downloaded.
        """
        command = [str(self.go), "mod", "download", "-json", KEDA_MODULE]
        output = self._run("downloading KEDA's module failed", command, "cluster", name)
        module = Path(json.loads(output)["Dir"])
        partial = self.folders.unfinished / name
        partial.mkdir()
        for file in sorted((module / "config" / "crd" / "bases").glob("*.yaml")):
            # The bytes alone: files of Go's module cache are read-only.
            shutil.copyfile(file, partial / file.name)
        install(partial, self.folders.crds, self.folders.seals / name)
        return self.folders.crds

    def _run(self, what: str, command: list[str], module: str, name: str) -> str:
        """Run Go in a module's folder until it ends; return what it printed."""
        log = self.folders.logs / f"{name}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                command,
                cwd=MODULES / module,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Go's compilers are in the group too: stopping it stops them.
                process_group=0,
            )
            try:
                returncode = self._wait(process)
            finally:
                _stop(process)
        printed = log.read_text(errors="replace")
        if returncode != 0:
            raise explain(what, printed, log)
        return printed

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        while True:
            try:
                return process.wait(TICK_S)
            except subprocess.TimeoutExpired:
                self.tick()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Leave no compiler running, whatever ended the wait."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_GRACE_S)
    # Go does not wait for its compilers; where none is left there is no group either.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
