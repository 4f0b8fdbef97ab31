"""What there is of the tools, on PATH and in the cache, and so what is left to build."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rehearsal.toolchain.folders import CacheFolders
from rehearsal.toolchain.pins import KEDA_CRDS, PINS, Pin
from rehearsal.toolchain.seals import State, inspect
from rehearsal.toolchain.search import Found, path_without, search
from rehearsal.toolchain.tools import Tools, ToolStatus

_KEDA_VERSION = next(pin.version for pin in PINS if pin.tool == "keda-operator")
_PROBLEMS = {State.ABSENT: "not built yet", State.BROKEN: "the cached one is not as it was built"}


@dataclass(frozen=True)
class Survey:
    """Maps each tool to what PATH has of it and to the state of the cached one."""

    folders: CacheFolders
    on_path: Mapping[str, Found]
    cached: Mapping[str, State]
    """Only of tools that PATH does not provide; also `KEDA_CRDS`."""

    @property
    def missing(self) -> tuple[Pin, ...]:
        """The tools to build, in the order in which each build helps the next."""
        return tuple(pin for pin in PINS if self._to_build(pin.tool))

    @property
    def crds_missing(self) -> bool:
        return self._to_build(KEDA_CRDS)

    @property
    def complete(self) -> bool:
        return not self.missing and not self.crds_missing

    @property
    def broken(self) -> tuple[str, ...]:
        return tuple(name for name, state in self.cached.items() if state is State.BROKEN)

    def _to_build(self, name: str) -> bool:
        return self.cached.get(name, State.INTACT) is not State.INTACT

    def tools(self) -> Tools:
        """Return the tools; only to be called where nothing is missing."""
        statuses = {status.name: status for status in self.statuses()}
        paths = {
            name.replace("-", "_"): status.path
            for name, status in statuses.items()
            if status.path is not None
        }
        origin = {name: status.origin for name, status in statuses.items()}
        return Tools(**paths, bin_dir=self.folders.bin, origin=origin)

    def statuses(self) -> list[ToolStatus]:
        """Return a row for each tool, and one for KEDA's CRDs."""
        rows = [self._status(pin) for pin in PINS]
        state = self.cached[KEDA_CRDS]
        return [*rows, _cached_status(KEDA_CRDS, str(_KEDA_VERSION), state, self.folders.crds)]

    def _status(self, pin: Pin) -> ToolStatus:
        found = self.on_path.get(pin.tool)
        if found and found.problem is None:
            version = str(found.version)
            return ToolStatus(pin.tool, version, f"PATH {version}", found.path, None)
        state = self.cached[pin.tool]
        return _cached_status(pin.tool, str(pin.version), state, self.folders.bin / pin.tool)


def survey(folders: CacheFolders, search_path: str) -> Survey:
    """Look at PATH and at the cache; changes neither."""
    tools_root = folders.tools.parent
    on_path = search(PINS, path_without(search_path, tools_root))
    wanted = [pin.tool for pin in PINS if pin.tool not in on_path or on_path[pin.tool].problem]
    cached = {name: inspect(folders.bin / name, folders.seals / name) for name in wanted}
    cached[KEDA_CRDS] = inspect(folders.crds, folders.seals / KEDA_CRDS)
    return Survey(folders, on_path, cached)


def _cached_status(name: str, version: str, state: State, path: Path) -> ToolStatus:
    if state is State.INTACT:
        return ToolStatus(name, version, f"built {version}", path, None)
    return ToolStatus(name, version, "to be built", None, _PROBLEMS[state])
