"""What the language host stand-in answers, without an engine."""

import sys
import threading
import time
from pathlib import Path

import pytest
from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]  # no types
from pulumi.runtime.proto import language_pb2 as pb

from rehearsal.plugins.language_host import run
from rehearsal.plugins.language_host.children import Children
from rehearsal.plugins.language_host.host import LanguageHost


class Call:
    """A gRPC call's context: aborts raise, callbacks are kept."""

    def __init__(self) -> None:
        self.callbacks: list[object] = []

    def abort(self, code: object, details: str) -> None:
        raise RuntimeError(f"{code}: {details}")

    def add_callback(self, callback: object) -> None:
        self.callbacks.append(callback)


@pytest.fixture
def host() -> LanguageHost:
    return LanguageHost("127.0.0.1:1", "3.255.0")


def info(folder: Path) -> pb.ProgramInfo:
    options = Struct()
    options.update({"toolchain": "pip", "virtualenv": sys.prefix})
    return pb.ProgramInfo(
        root_directory=str(folder),
        program_directory=str(folder),
        entry_point=".",
        options=options,
    )


def test_the_packages_a_program_needs_are_those_its_python_has(
    host: LanguageHost, tmp_path: Path
) -> None:
    request = pb.GetRequiredPackagesRequest(info=info(tmp_path))

    packages = host.GetRequiredPackages(request, Call()).packages

    assert {package.kind for package in packages} == {"resource"}
    versions = {package.name: package.version for package in packages}
    assert set(versions) == {"aws", "docker-build", "kubernetes", "random"}
    assert versions["kubernetes"].startswith("v4.")


def test_direct_dependencies_leave_out_what_others_need(host: LanguageHost, tmp_path: Path) -> None:
    direct, every = (
        host.GetProgramDependencies(
            pb.GetProgramDependenciesRequest(
                info=info(tmp_path), transitiveDependencies=transitive
            ),
            Call(),
        ).dependencies
        for transitive in (False, True)
    )

    assert "grpcio" in {found.name for found in every}
    assert "grpcio" not in {found.name for found in direct}


def test_installing_says_that_nothing_is_installed(host: LanguageHost, tmp_path: Path) -> None:
    request = pb.InstallDependenciesRequest(info=info(tmp_path))

    told = b"".join(part.stdout for part in host.InstallDependencies(request, Call()))

    assert b"installs nothing" in told


def test_a_policy_pack_runs_in_its_folder_and_its_output_is_passed_on(
    host: LanguageHost, tmp_path: Path
) -> None:
    (tmp_path / "__main__.py").write_text(
        "import os, sys\n"
        "print(os.getcwd(), os.environ['MARK'])\n"
        "print('to stderr', file=sys.stderr)\n"
        "raise ValueError('no rules')\n"
    )
    request = pb.RunPluginRequest(
        info=info(tmp_path), kind="analyzer", args=["127.0.0.1:1"], env=["MARK=a=b"]
    )

    pieces = list(host.RunPlugin(request, Call()))

    assert f"{tmp_path} a=b" in b"".join(piece.stdout for piece in pieces).decode()
    assert "to stderr" in b"".join(piece.stderr for piece in pieces).decode()
    assert pieces[-1].exitcode == 1


def test_a_policy_pack_ends_when_the_engine_drops_the_call(
    host: LanguageHost, tmp_path: Path
) -> None:
    (tmp_path / "__main__.py").write_text("import time\nprint('up', flush=True)\ntime.sleep(60)\n")
    request = pb.RunPluginRequest(info=info(tmp_path), kind="analyzer", args=["127.0.0.1:1"])
    call = Call()
    pieces = host.RunPlugin(request, call)
    assert next(pieces).stdout.startswith(b"up")

    began = time.monotonic()
    for callback in call.callbacks:
        assert callable(callback)
        callback()
    list(pieces)

    assert time.monotonic() - began < 30


def test_a_plugin_that_is_no_policy_pack_is_refused(host: LanguageHost, tmp_path: Path) -> None:
    request = pb.RunPluginRequest(info=info(tmp_path), kind="resource")

    with pytest.raises(RuntimeError, match=r"UNIMPLEMENTED.*stand-in.*policy packs only"):
        list(host.RunPlugin(request, Call()))


def test_no_secret_of_the_configuration_is_on_the_command_line(tmp_path: Path) -> None:
    request = pb.RunRequest(
        info=info(tmp_path), config={"trial:key": "swordfish"}, configSecretKeys=["trial:key"]
    )

    assert "swordfish" not in " ".join(run.program_arguments(request, "127.0.0.1:1"))
    assert "swordfish" in run.configuration(request)["PULUMI_CONFIG"]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (0, pb.RunResponse()),
        (32, pb.RunResponse(bail=True)),
        (3, pb.RunResponse(error="program exited with non-zero exit code: 3")),
        (-9, pb.RunResponse(error="program was ended by signal 9")),
    ],
)
def test_an_exit_code_is_told_as_the_official_host_does(code: int, told: pb.RunResponse) -> None:
    assert run.outcome(code) == told


def test_stopping_ends_every_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rehearsal.plugins.language_host.children.GRACE_S", 0.2)
    children = Children()
    deaf = "import signal, time; signal.signal(2, signal.SIG_IGN); print(1, flush=True); "
    command = [sys.executable, "-c", f"{deaf}time.sleep(60)"]
    codes: list[int] = []
    waiting = threading.Thread(target=lambda: codes.append(children.run(command, {})))
    waiting.start()
    time.sleep(0.5)

    children.stop_all()
    waiting.join(5)

    assert codes == [-9]
