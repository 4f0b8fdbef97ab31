"""Where a stack on AWS is rehearsed: a copy of its project, stand-ins, and an engine for them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fleet import environment, lock, passphrase, preflight, rehearsed_copy, stack_config
from fleet.engine import Engine
from fleet.progress import Progress
from fleet.project import Project
from fleet.pulumi_runs import Pulumi
from fleet.rehearsal_spec import rehearsal_spec
from infra.models.fleet import FleetConfig
from rehearsal import plugins
from rehearsal.cloud import program
from rehearsal.cloud.clients import Clients
from rehearsal.errors import RehearsalError
from rehearsal.supervisor import client as supervisor
from rehearsal.toolchain import Tools, ensure_tools


@dataclass(frozen=True)
class Stage:
    """One stack in a project folder of its own."""

    project: Project
    stack: str
    config: FleetConfig
    region: str
    progress: Progress

    @contextmanager
    def running(self) -> Iterator[Pulumi]:
        """The engine on its stage, which is stopped at the end, however it ends.

        Raises:
            RehearsalError: it cannot be started.

        """
        preflight.check_port(self.config.api.port)
        tell = self.progress.reporter("tools")
        tools = ensure_tools(tell)
        spec = rehearsal_spec(self.project, {self.stack: self.config}, tell)
        try:
            report = self.progress.reporter("stage")
            supervisor.start(self.project.rehearsal, spec, tools, report)
            yield self._pulumi(tools)
        finally:
            supervisor.stop(self.project.rehearsal, lambda _: None)

    def clients(self, pulumi: Pulumi) -> Clients:
        """Clients of AWS's stand-in."""
        endpoint = pulumi.environment["AWS_ENDPOINT_URL"]
        return Clients(endpoint, self.region, program.ACCESS_KEY)

    def _pulumi(self, tools: Tools) -> Pulumi:
        project = self.project
        commands = project.state / "commands"
        plugins.install_commands(commands)
        passphrase.ensure(project)
        variables = environment.variables(project, [tools.bin_dir])
        stand_ins = plugins.install(project.plugins, variables["PATH"], project.pulumi_home)
        self.progress.say("stand-ins", ", ".join(["aws (moto)", "aws eks get-token", *stand_ins]))
        path = environment.search_path([commands], variables["PATH"])
        cloud = program.environment(project.rehearsal, self.region)
        # Else the SDK, or the fleet's own commands, would read the user's account from files.
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        made = {**kept, **variables, **cloud, "PATH": path}
        engine = Engine(project, self.stack, tools.pulumi, made)
        engine.select()
        engine.set_api_token()
        return Pulumi(tools.pulumi, project.root, self.stack, made, project.logs)


@contextmanager
def copied(project: Project, stack: str, progress: Progress) -> Iterator[Stage]:
    """A copy of the project to rehearse in; it stays where something failed.

    Raises:
        RehearsalError: the stack owns nothing on AWS, or another rehearsal of it runs.

    """
    config = stack_config.read(project.stack_file(stack))
    if not config.on_aws or config.region is None:
        raise RehearsalError(
            what=f"stack {stack} owns nothing on AWS",
            why="`fleet rehearse` plays AWS; a stack of tier local needs none",
            mend=f"bring it up with: make up STACK={stack}",
            where=project.stack_file(stack),
        )
    copy = rehearsed_copy.folder_of(project, stack)
    with lock.exclusively(Project(project.root, copy.root.parent), "fleet rehearse"):
        supervisor.stop(copy.rehearsal, progress.reporter("stage"))
        rehearsed_copy.make(project, stack)
        yield Stage(copy, stack, config, config.region, progress)
        shutil.rmtree(copy.root, ignore_errors=True)
