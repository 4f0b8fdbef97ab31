"""`fleet up`: from a checkout to a fleet that has done real tasks, in nine steps."""

import os
from dataclasses import dataclass

from rich.console import Console

from fleet import (
    demonstration,
    environment,
    lock,
    neighbours,
    passphrase,
    preflight,
    readiness,
    stack_config,
    stack_file,
    status,
)
from fleet.engine import Engine
from fleet.progress import Progress
from fleet.project import Project
from fleet.rehearsal_spec import rehearsal_spec
from fleet.session import Session
from infra.models.fleet import FleetConfig
from rehearsal import plugins
from rehearsal.layout import Layout
from rehearsal.supervisor import client as supervisor
from rehearsal.toolchain import Tools, ensure_tools

_HINTS = """
The fleet runs. Next:
  eval "$(.venv/bin/fleet env)"          plain pulumi and kubectl on this fleet
  fleet status --watch                   queues and replicas, live
  fleet burst labeling --tasks 300       watch it scale and drain
  fleet doctor                           what runs, and what is wrong
  make down                              stop everything
"""


@dataclass(frozen=True)
class Up:
    """One run of `fleet up`; every step is safe to repeat."""

    project: Project
    stack: str
    progress: Progress

    def run(self, *, demonstrate: bool) -> Session:
        """Do the steps in order.

        Raises:
            RehearsalError: from the first step that fails; a later run goes on from there.

        """
        with lock.exclusively(self.project, "fleet up"):
            config = self._read_stack()
            tools = ensure_tools(self.progress.reporter("tools"))
            self.progress.say("tools", _origins(tools))
            self._start_rehearsal(tools)
            engine = self._prepare_engine(tools)
            self._provision(engine)
            session = Session(self.project, self.stack)
            self._await_fleet(session, config)
            if demonstrate:
                self._await_rest(session, config)
                demonstration.run(session, self.progress)
        return session

    def _read_stack(self) -> FleetConfig:
        preflight.check(self.project)
        neighbours.check_template(self.project, self.stack)
        made = stack_file.ensure(self.project, self.stack)
        config = stack_config.rehearsable(made.path)
        neighbours.check(self.project, self.stack, config)
        preflight.check_port(config.api.port)
        counted = f"{len(config.queues)} queues, {len(config.workers)} workers"
        self.progress.say("stack", f"{self.stack}: {counted} ({made.path.name}, {made.note})")
        return config

    def _start_rehearsal(self, tools: Tools) -> None:
        project = self.project
        for folder in (project.logs, project.work, project.backend, project.pulumi_home):
            folder.mkdir(parents=True, exist_ok=True)
        staged = stack_config.staged(project, self.stack)
        spec = rehearsal_spec(project, staged, self.progress.reporter("tools"))
        report = self.progress.reporter("rehearsal")
        supervisor.start(project.rehearsal, spec, tools, report)

    def _prepare_engine(self, tools: Tools) -> Engine:
        variables = environment.variables(self.project, [tools.bin_dir])
        stand_ins = plugins.install(
            self.project.plugins, variables["PATH"], self.project.pulumi_home
        )
        told = f"stand-ins: {', '.join(stand_ins)}" if stand_ins else "all official, from PATH"
        self.progress.say("plugins", told)
        if passphrase.ensure(self.project):
            stack_file.drop_secrets(self.project.stack_file(self.stack))
            self.progress.say("secrets", f"made a passphrase: {self.project.passphrase}")
        engine = Engine(self.project, self.stack, tools.pulumi, os.environ | variables)
        engine.release_stale_lock(self.progress.reporter("pulumi"))
        engine.select()
        self.project.remember_stack(self.stack)
        if engine.set_api_token():
            self.progress.say("secrets", "made a token for the HTTP API")
        return engine

    def _provision(self, engine: Engine) -> None:
        with self.progress.running("pulumi up") as tell:
            if engine.was_cut_short():
                self.progress.say("pulumi", "an earlier one was cut short: taking over its objects")
                engine.repair(tell)
            view = engine.up(tell)
        self.progress.say("pulumi up", f"resources changed: {view.changed}; log: {engine.log}")

    def _await_fleet(self, session: Session, config: FleetConfig) -> None:
        pods = Layout(self.project.rehearsal).pods
        with self.progress.running("fleet") as tell:
            readiness.wait(session.cluster, config, pods, tell)
        self.progress.say("fleet", "API, beat and scalers are ready")

    def _await_rest(self, session: Session, config: FleetConfig) -> None:
        """So that the demonstration shows KEDA starting workers, not workers that were there."""
        with self.progress.running("rest") as tell:
            resting = readiness.rest(session.cluster, config, tell)
        told = "every worker is at its minimum" if resting else "the fleet is already at work"
        self.progress.say("rest", told)


def run(project: Project, stack: str, console: Console, *, demonstrate: bool) -> None:
    """Bring the stack up, then show its table and what to do next."""
    progress = Progress(console)
    try:
        session = Up(project, stack, progress).run(demonstrate=demonstrate)
    except KeyboardInterrupt:
        progress.say("interrupted", "run the same command again: it goes on from here")
        raise
    progress.say("done", f"after {progress.elapsed_s():.0f} s")
    console.print(status.render(status.take(session)))
    console.print(_HINTS, highlight=False)


def _origins(tools: Tools) -> str:
    """Say which tools are this machine's own and which were built, with their versions."""
    by_source: dict[str, list[str]] = {}
    for name, origin in tools.origin.items():
        source, _, version = origin.partition(" ")
        by_source.setdefault(source, []).append(f"{name} {version}")
    told = {"PATH": "from PATH", "built": "built from pinned modules"}
    return "; ".join(f"{told.get(key, key)}: {', '.join(by_source[key])}" for key in by_source)
