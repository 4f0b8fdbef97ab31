"""The calls of Pulumi's engine to a language host, answered for Python projects."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn, TypeVar

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]  # protobuf likewise
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]  # likewise
from pulumi.runtime.proto import language_pb2 as pb
from pulumi.runtime.proto import language_pb2_grpc, plugin_pb2
from typing_extensions import override

from rehearsal.errors import RehearsalError
from rehearsal.plugins.language_host import dependencies, run
from rehearsal.plugins.language_host.children import Children
from rehearsal.plugins.language_host.options import Project, ProjectPython, project_python

Answer = TypeVar("Answer")
NAME = "pulumi-language-python (stand-in)"


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs programs and policy packs; installs and generates nothing, and says so."""

    def __init__(self, engine_address: str, version: str) -> None:
        self._engine_address = engine_address
        self._version = version
        self._children = Children()

    def stop(self) -> None:
        """End what runs."""
        self._children.stop_all()

    @override
    def Handshake(
        self, request: pb.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> pb.LanguageHandshakeResponse:
        self._engine_address = request.engine_address
        return pb.LanguageHandshakeResponse()

    @override
    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self._version)

    @override
    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        self._children.stop_all()
        return Empty()

    @override
    def Run(self, request: pb.RunRequest, context: grpc.ServicerContext) -> pb.RunResponse:
        python = _python(request.info, context)
        if request.attach_debugger:
            return pb.RunResponse(error=f"{NAME} attaches no debugger")
        if "typechecker" in _project(request.info).options:
            print(f"{NAME}: runtime.options.typechecker is not run here")  # noqa: T201 - shown
        command = [str(python.executable), *run.program_arguments(request, self._engine_address)]
        environ = python.environment(os.environ) | run.configuration(request)
        return run.outcome(self._children.run(command, environ))

    @override
    def RunPlugin(
        self, request: pb.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.RunPluginResponse]:
        if request.kind != run.ANALYZER:
            _refuse(context, f"runs policy packs only, not a plugin of kind {request.kind!r}")
        python = _python(request.info, context)
        pack = request.info.program_directory
        command = [str(python.executable), *run.policy_pack_arguments(request.args, pack)]
        environ = python.environment(os.environ | run.variables(request.env))
        process = self._children.start(command, environ, Path(pack))
        # The engine ends a plugin by dropping the call.
        context.add_callback(lambda: self._children.stop(process))
        for stream, chunk in self._children.output(process):
            is_error = stream == "stderr"
            yield (
                pb.RunPluginResponse(stderr=chunk)
                if is_error
                else pb.RunPluginResponse(stdout=chunk)
            )
        yield pb.RunPluginResponse(exitcode=process.returncode)

    @override
    def GetRequiredPackages(
        self, request: pb.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> pb.GetRequiredPackagesResponse:
        python = _python(request.info, context)
        found = _told(context, lambda: dependencies.required_packages(python, os.environ))
        return pb.GetRequiredPackagesResponse(packages=found)

    @override
    def GetProgramDependencies(
        self, request: pb.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> pb.GetProgramDependenciesResponse:
        python = _python(request.info, context)
        found = _told(context, lambda: dependencies.installed_packages(python, os.environ))
        if not request.transitiveDependencies:
            found = [package for package in found if not package.needed]
        listed = [pb.DependencyInfo(name=each.name, version=each.version) for each in found]
        return pb.GetProgramDependenciesResponse(dependencies=listed)

    @override
    def About(self, request: pb.AboutRequest, context: grpc.ServicerContext) -> pb.AboutResponse:
        python = _python(request.info, context)
        about = _told(context, lambda: dependencies.interpreter(python, os.environ))
        return pb.AboutResponse(
            executable=about.executable,
            version=about.version,
            metadata={"toolchain": python.toolchain, "host": NAME},
        )

    @override
    def InstallDependencies(
        self, request: pb.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.InstallDependenciesResponse]:
        # A project whose environment is missing fails here, with the command that makes it.
        python = _python(request.info, context)
        told = f"{NAME} installs nothing; the program runs with {python.executable} as it is.\n"
        yield pb.InstallDependenciesResponse(stdout=told.encode())

    @override
    def RuntimeOptionsPrompts(
        self, request: pb.RuntimeOptionsRequest, context: grpc.ServicerContext
    ) -> pb.RuntimeOptionsResponse:
        # Asked by `pulumi new` only; without prompts the rules in options.py stay as they are.
        return pb.RuntimeOptionsResponse()

    @override
    def GetRequiredPlugins(
        self, request: pb.GetRequiredPluginsRequest, context: grpc.ServicerContext
    ) -> NoReturn:
        _refuse(context, "answers GetRequiredPackages instead")

    @override
    def Template(self, request: pb.TemplateRequest, context: grpc.ServicerContext) -> NoReturn:
        _refuse(context, "makes no projects")

    @override
    def Pack(self, request: pb.PackRequest, context: grpc.ServicerContext) -> NoReturn:
        _refuse(context, "builds no packages")

    @override
    def Link(self, request: pb.LinkRequest, context: grpc.ServicerContext) -> NoReturn:
        _refuse(context, "links no packages")

    @override
    def GenerateProgram(
        self, request: pb.GenerateProgramRequest, context: grpc.ServicerContext
    ) -> NoReturn:
        _refuse(context, "generates no code")

    @override
    def GenerateProject(
        self, request: pb.GenerateProjectRequest, context: grpc.ServicerContext
    ) -> NoReturn:
        _refuse(context, "generates no code")

    @override
    def GeneratePackage(
        self, request: pb.GeneratePackageRequest, context: grpc.ServicerContext
    ) -> NoReturn:
        _refuse(context, "generates no code")


def _project(info: pb.ProgramInfo) -> Project:
    return Project(
        Path(info.root_directory), Path(info.program_directory), MessageToDict(info.options)
    )


def _python(info: pb.ProgramInfo, context: grpc.ServicerContext) -> ProjectPython:
    return _told(context, lambda: project_python(_project(info), os.environ))


def _told(context: grpc.ServicerContext, ask: Callable[[], Answer]) -> Answer:
    """The answer, or the call's end with the error's own words."""
    try:
        return ask()
    except RehearsalError as error:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        raise


def _refuse(context: grpc.ServicerContext, why: str) -> NoReturn:
    told = f"{NAME} {why}; install the official pulumi-language-python"
    context.abort(grpc.StatusCode.UNIMPLEMENTED, told)
    raise NotImplementedError(told)
