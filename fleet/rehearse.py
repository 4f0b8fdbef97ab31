"""`fleet rehearse`: a stack on AWS, whole, against stand-ins: up, tasks, again, change, destroy."""

import os
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml
from rich.console import Console

from fleet import (
    demonstration,
    environment,
    lock,
    passphrase,
    preflight,
    readiness,
    rehearsed_copy,
    rehearsed_nodes,
    stack_config,
)
from fleet.broker_events import BrokerEvents
from fleet.deviation import deviation
from fleet.engine import Engine
from fleet.progress import Progress
from fleet.project import PROJECT_NAME, Project
from fleet.pulumi_runs import Pulumi, Run
from fleet.rehearsal_spec import rehearsal_spec
from fleet.session import Session
from infra.models.fleet import FleetConfig
from rehearsal import plugins
from rehearsal.cloud import inventory, program
from rehearsal.cloud.clients import Clients
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.supervisor import client as supervisor
from rehearsal.toolchain import Tools, ensure_tools

MOST_RESOURCES = 166
MOST_TOUCHED = 5
"""By a change of one queue: settings, its worker, beat, the API, and the alert rules."""
_TOUCHED = re.compile(r"^\s+[-+~]+ ?(\d+) (?:created|updated|replaced|deleted)", re.MULTILINE)
_STEP = ("--yes", "--skip-preview")


class _Fault(NamedTuple):
    """What AWS says instead of doing it."""

    action: str
    code: str
    message: str


_FAULT = _Fault("CreateNodegroup", "ResourceLimitExceededException", "no more node groups today")


@dataclass(frozen=True)
class Rehearsal:
    """One stack in a project folder of its own, on a stage of its own."""

    project: Project
    stack: str
    config: FleetConfig
    region: str
    progress: Progress

    def run(self) -> None:
        """Do every step; the stage is stopped at the end, however it ends.

        Raises:
            RehearsalError: from the first step whose outcome is not as it has to be.

        """
        preflight.check_port(self.config.api.port)
        tell = self.progress.reporter("tools")
        tools = ensure_tools(tell)
        spec = rehearsal_spec(self.project, {self.stack: self.config}, tell)
        try:
            report = self.progress.reporter("stage")
            supervisor.start(self.project.rehearsal, spec, tools, report)
            pulumi = self._pulumi(tools)
            self._come_up(pulumi)
            self._work()
            self._stay(pulumi)
            self._befall_the_broker(pulumi)
            self._change_one_queue(pulumi)
            self._go(pulumi)
        finally:
            supervisor.stop(self.project.rehearsal, lambda _: None)

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

    def _come_up(self, pulumi: Pulumi) -> None:
        self._tell("preview", pulumi.succeed("preview"))
        self._stumble(pulumi)
        self._tell("up", pulumi.succeed("up", *_STEP))
        resources = pulumi.state()
        types = Counter(str(each["type"]) for each in resources)
        for kind, number in sorted(types.items()):
            self.progress.say("resource", f"{number:3} {kind}")
        self.progress.say("resources", f"{len(resources)}, at most {MOST_RESOURCES}")
        if len(resources) > MOST_RESOURCES:
            raise deviation(f"{len(resources)} resources", f"at most {MOST_RESOURCES}")
        self._find_no_secret(pulumi)

    def _stumble(self, pulumi: Pulumi) -> None:
        """Let AWS refuse something late in an `up`; that nothing is made twice, `destroy` shows."""
        if self.config.cluster_name is None:
            return
        program.inject(pulumi.environment["AWS_ENDPOINT_URL"], *_FAULT)
        run = pulumi.run("up", *_STEP)
        told = f"{_FAULT.code}: {_FAULT.message}"
        if not run.code or told not in run.output:
            raise deviation(f"an error of AWS did not end `up` with {told}", "that")
        self._tell("up", run, f"ended by an error of AWS as injected, {len(pulumi.state())} made")

    def _find_no_secret(self, pulumi: Pulumi) -> None:
        """What the cluster holds as secret must be nowhere in the state or in what was printed."""
        session = Session(self.project, self.stack)
        shown = pulumi.succeed("stack", "export").output + pulumi.succeed("stack", "output").output
        for name in ("broker", "broker-keda", "broker-exporter"):
            held = session.cluster.secret(self.config.namespace, name) or {}
            if not held.get("password"):
                raise deviation(f"Secret {name} has no password", "the broker's login")
            if held["password"] in shown:
                raise deviation(f"the password of Secret {name} is in the state", "no secret there")
        self.progress.say("secrets", "none in the exported state or the outputs")

    def _work(self) -> None:
        session = Session(self.project, self.stack)
        pods = Layout(self.project.rehearsal).pods
        groups = rehearsed_nodes.resting(self.config)
        with self.progress.running("fleet") as tell:
            readiness.wait(session.cluster, self.config, pods, tell)
            rehearsed_nodes.rest(self.project, self.config)
            rehearsed_nodes.until_empty(session, groups, tell)
        self.progress.say("nodes", f"none at rest in {', '.join(sorted(groups)) or 'any group'}")
        demonstration.run(session, self.progress)
        for group in groups:
            came = rehearsed_nodes.of(session, group)
            self.progress.say("nodes", f"come from zero for a task: {', '.join(came) or 'none'}")
            if not came:
                raise deviation(f"no node of group {group} came", "one from zero")

    def _stay(self, pulumi: Pulumi) -> None:
        for command in ("up", "refresh"):
            with self.progress.running(command):
                run = pulumi.succeed(command, *_STEP, "--expect-no-changes")
            self._tell(command, run, "no change")

    def _befall_the_broker(self, pulumi: Pulumi) -> None:
        clients = self._clients(pulumi)
        BrokerEvents(self.project, self.stack, self.config, clients, self.progress).befall(pulumi)

    def _clients(self, pulumi: Pulumi) -> Clients:
        endpoint = pulumi.environment["AWS_ENDPOINT_URL"]
        return Clients(endpoint, self.region, program.ACCESS_KEY)

    def _change_one_queue(self, pulumi: Pulumi) -> None:
        queue = min(self.config.queues)

        def change(config: dict[str, Any]) -> None:
            spec = config[f"{PROJECT_NAME}:queues"][queue]
            limit_s = self.config.queues[queue].time_limit_s - 1
            spec["timeLimitSeconds"] = limit_s
            spec["softTimeLimitSeconds"] = limit_s - 1

        self._edit(change)
        run = pulumi.succeed("up", *_STEP)
        number = touched(run.output)
        self._tell("up", run, f"other limits for queue {queue}: {number} resources touched")
        if not 0 < number <= MOST_TOUCHED:
            raise deviation(f"{number} resources touched", f"1 to {MOST_TOUCHED}")

    def _go(self, pulumi: Pulumi) -> None:
        if self.config.protect:
            # With its preview, as people run it: without, Pulumi deletes what is not protected.
            before = len(pulumi.state())
            refused = pulumi.run("destroy", "--yes")
            if not refused.code or "protect" not in refused.output:
                raise deviation("`destroy` was not refused", "protected resources that stay")
            if len(pulumi.state()) != before:
                raise deviation("a refused `destroy` deleted resources", "all of them")
            self._tell("destroy", refused, "refused: the stack is protected")
            self._edit(lambda config: config.update({f"{PROJECT_NAME}:protect": False}))
            self._tell("up", pulumi.succeed("up", *_STEP), "protection lifted")
        run = pulumi.succeed("destroy", *_STEP)
        self._tell("destroy", run)
        left = inventory.left(self._clients(pulumi))
        session = Session(self.project, self.stack)
        if session.cluster.get(f"/api/v1/namespaces/{self.config.namespace}") is not None:
            left.append(f"kubernetes: namespace {self.config.namespace}")
        if left:
            raise deviation(f"left after `destroy`: {', '.join(left)}", "nothing")
        self.progress.say("destroy", "nothing is left in AWS's stand-in or the cluster")

    def _edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        path = self.project.stack_file(self.stack)
        document = yaml.safe_load(path.read_text())
        change(document["config"])
        path.write_text(yaml.safe_dump(document, sort_keys=False))

    def _tell(self, step: str, run: Run, outcome: str = "done") -> None:
        self.progress.say(step, f"{outcome}, {run.seconds:.1f} s")


def run(project: Project, stack: str, console: Console) -> None:
    """Rehearse a stack that owns something on AWS, and say how long it took."""
    progress = Progress(console)
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
        Rehearsal(copy, stack, config, config.region, progress).run()
        shutil.rmtree(copy.root, ignore_errors=True)
    progress.say("done", f"after {progress.elapsed_s():.0f} s; everything was a stand-in of AWS")


def touched(printed: str) -> int:
    """Count what an `up` changed, by its own summary."""
    return sum(map(int, _TOUCHED.findall(printed)))
