"""The tools that a rehearsal runs: their pinned sources, and when one on PATH will do."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rehearsal.toolchain.versions import Version

MODULES = Path(__file__).parent / "modules"
"""One folder per Go module: go.mod and go.sum pin every dependency and its checksum."""

BUILD_FLAGS = ("-trimpath",)
STRIP = "-s -w"
"""No symbol table, no DWARF: the eight binaries take 0.8 GB instead of 1.1."""

KEDA_MODULE = "github.com/kedacore/keda/v2"
KEDA_CRDS = "keda-crds"
"""What reports call KEDA's CustomResourceDefinitions, which come with the cached operator."""


@dataclass(frozen=True)
class PathRule:
    """When the tool that is already on PATH is used instead of a build."""

    version_command: tuple[str, ...]
    """Arguments that make it print its version and exit."""
    minimum: Version
    reason: str
    """Why an older one will not do."""
    together: str | None = None
    """Tools of one name here are taken from PATH all, at one minor version, or not at all."""


@dataclass(frozen=True)
class Pin:
    """One tool's pinned source and what its build costs."""

    tool: str
    module: str
    """Folder below `MODULES`."""
    package: str
    version: Version
    ldflags: str
    build_s: int
    """Seconds from empty caches, in the order of `PINS`, on 2 cores with Go 1.26."""
    on_path: PathRule | None = None
    """None: never taken from PATH."""
    tags: str = ""
    """Go's build tags, with commas."""


MODULE_DISK_MIB = {
    "etcd": 700,
    "pulumi": 2_800,
    "cluster": 7_000,
    "prometheus": 1_000,
    "alertmanager": 500,
    "kube-state-metrics": 500,
    "actionlint": 100,
}
"""What a module's sources and compiled packages add to Go's caches, MiB (measured, rounded up)."""

_KUBERNETES = Version(1, 36, 3)
_KEDA = Version(2, 21, 0)
_KUBERNETES_FLAGS = " ".join(
    f"-X k8s.io/component-base/version.{name}={value}"
    for name, value in (
        ("gitVersion", f"v{_KUBERNETES}"),
        ("gitMajor", _KUBERNETES.major),
        ("gitMinor", _KUBERNETES.minor),
    )
)


def _kubernetes(tool: str, build_s: int, rule: PathRule) -> Pin:
    package = f"k8s.io/kubernetes/cmd/{tool}"
    return Pin(tool, "cluster", package, _KUBERNETES, _KUBERNETES_FLAGS, build_s, rule)


# Kubernetes supports no controller manager or scheduler newer than its API server (version skew
# policy), so a lone one on PATH is passed over.
_CONTROL_PLANE = PathRule(
    ("--version",),
    Version(1, 31),
    "KEDA and the node agent are tried against 1.31 and later",
    together="control plane",
)
_KUBECTL = PathRule(
    ("version", "--client"), Version(1, 31), "older ones are too far from the API server's version"
)


def _keda(tool: str, command: str, build_s: int) -> Pin:
    # No rule for PATH: neither prints its version, and the CRDs have to be of the same release.
    flags = f"-X {KEDA_MODULE}/version.Version={_KEDA}"
    return Pin(tool, "cluster", f"{KEDA_MODULE}/cmd/{command}", _KEDA, flags, build_s)


PINS = (
    Pin(
        "etcd",
        "etcd",
        "go.etcd.io/etcd/server/v3",
        Version(3, 6, 16),
        "",
        40,
        PathRule(
            ("--version",),
            Version(3, 5, 10),
            "under etcd 3.4 the API server's watch cache stalls (`Too large resource version`)",
        ),
    ),
    Pin(
        "pulumi",
        "pulumi",
        "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        Version(3, 255, 0),
        "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.255.0",
        156,
        PathRule(("version",), Version(3, 200), "the engine has to be near the pinned Python SDK"),
    ),
    _kubernetes("kube-apiserver", 171, _CONTROL_PLANE),
    _kubernetes("kube-controller-manager", 47, _CONTROL_PLANE),
    _kubernetes("kube-scheduler", 3, _CONTROL_PLANE),
    _keda("keda-operator", "operator", 256),
    _keda("keda-adapter", "adapter", 10),
    _kubernetes("kubectl", 16, _KUBECTL),
)


def build_arguments(pin: Pin) -> tuple[str, ...]:
    """Return what follows `go build`, but for the output file."""
    ldflags = f"{STRIP} {pin.ldflags}".strip()
    tags = (f"-tags={pin.tags}",) if pin.tags else ()
    return (*BUILD_FLAGS, *tags, f"-ldflags={ldflags}", pin.package)


def cache_key(pins: Iterable[Pin], modules: Path, platform: str) -> str:
    """Return a name that changes whenever a build of the pins could come out otherwise.

    Raises OSError where a module's go.mod or go.sum cannot be read.
    """
    digest = hashlib.sha256(platform.encode())
    pins = tuple(pins)
    for pin in pins:
        digest.update(repr((pin.tool, pin.module, str(pin.version), build_arguments(pin))).encode())
    for module in sorted({pin.module for pin in pins}):
        for name in ("go.mod", "go.sum"):
            digest.update((modules / module / name).read_bytes())
    return digest.hexdigest()[:16]
