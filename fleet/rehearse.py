"""`fleet rehearse`: a stack on AWS, whole, against stand-ins: up, tasks, again, change, destroy."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml
from rich.console import Console

from fleet import demonstration, readiness, rehearsed_nodes
from fleet.broker_events import BrokerEvents
from fleet.deviation import deviation
from fleet.progress import Progress
from fleet.project import PROJECT_NAME, Project
from fleet.pulumi_runs import Pulumi, Run
from fleet.rehearsed_preview import RehearsedPreview
from fleet.rehearsed_stage import copied
from fleet.session import Session
from infra.models.fleet import FleetConfig
from infra.models.tier import TIERS
from rehearsal.cloud import inventory, program
from rehearsal.cloud.clients import Clients
from rehearsal.layout import Layout

MOST_RESOURCES = 177
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
    """One stack in a project folder of its own."""

    project: Project
    stack: str
    config: FleetConfig
    clients: Clients
    progress: Progress

    def run(self, pulumi: Pulumi) -> None:
        """Do every step.

        Raises:
            RehearsalError: from the first step whose outcome is not as it has to be.

        """
        self._come_up(pulumi)
        self._work()
        self._stay(pulumi)
        if TIERS[self.config.tier].hosts:
            given = self.project, self.stack, self.config, self.clients, self.progress
            RehearsedPreview(*given).visit(pulumi)
        self._befall_the_broker(pulumi)
        self._change_one_queue(pulumi)
        self._go(pulumi)

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
        for name in ("broker", "broker-keda", "broker-exporter", "broker-producer"):
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
        befalling = BrokerEvents(self.project, self.stack, self.config, self.clients, self.progress)
        befalling.befall(pulumi)

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
        left = inventory.left(self.clients)
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
    with copied(project, stack, progress) as stage, stage.running() as pulumi:
        clients = stage.clients(pulumi)
        Rehearsal(stage.project, stack, stage.config, clients, progress).run(pulumi)
    progress.say("done", f"after {progress.elapsed_s():.0f} s; everything was a stand-in of AWS")


def touched(printed: str) -> int:
    """Count what an `up` changed, by its own summary."""
    return sum(map(int, _TOUCHED.findall(printed)))
