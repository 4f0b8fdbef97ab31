"""The run of the cluster's faults: one stage, one worker, one fault after the other."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from pathlib import Path

from benchmarks.live.arms import Arm
from benchmarks.live.deployed import Deployed
from benchmarks.live.stage import Stage
from benchmarks.scale_in.target import Target, api_server
from chaos import deed
from chaos.arms import VISIBILITY_S
from chaos.cluster.faults import CLUSTER, ClusterFault, ScalerBlind
from chaos.cluster.place import Place, Watch
from chaos.cluster.scaler_view import open_scaler_view
from chaos.cluster.scenario import WORKER, deployed, scenario
from chaos.invariants import Broken, late_to_zero
from chaos.ledger import PATH_VARIABLE, Ledger, now
from chaos.processes import Processes, wait_for
from chaos.publisher import Publisher
from chaos.record import Keys, Observed, read
from chaos.rest import dead_letters, left
from chaos.run import Tell
from fleet.project import Project, find
from fleet.rehearsal_spec import rehearsal_spec
from infra import names
from rehearsal.layout import Layout
from rehearsal.supervisor import client as supervisor
from rehearsal.toolchain import ensure_tools

# The task that was cut off last, its visibility timeout, and the start of a pod.
_REST_S = VISIBILITY_S + 60.0
_ZERO_S = 150.0


def run(tell: Tell) -> tuple[Observed, list[Broken]]:
    """Bring the stage up, strike with each fault, and give what was seen, and what broke I5.

    Raises:
        TimeoutError: something did not come; RuntimeError: a fault did not strike.

    """
    checkout = find(Path(__file__))
    project = Project(checkout.root, checkout.state / "chaos")
    project.work.mkdir(parents=True, exist_ok=True)
    processes = Processes(project.state / "run")
    processes.folder.mkdir(exist_ok=True)
    # Where the rehearsal's containers run: they know the file by its bare name.
    ledger = Ledger(project.work / "ledger.sqlite")
    ledger.path.unlink(missing_ok=True)
    ledger.create()
    own = deployed(ledger.path.relative_to(project.work))
    with ExitStack() as cleaned:
        stage = cleaned.enter_context(_staged(project, tell))
        # Before the stage, which would take its endpoint for a stray of its own.
        cleaned.callback(processes.stop)
        place = cleaned.enter_context(_placed(stage, own, ledger, processes))
        watch = Watch(place)
        with watch.watching():
            return _strikes(stage, place, watch, own, tell)


def _strikes(
    stage: Stage, place: Place, watch: Watch, own: Arm, tell: Tell
) -> tuple[Observed, list[Broken]]:
    moved: list[Broken] = []
    for kind in CLUSTER:
        tell(f"{kind.number} {kind.name}")
        fault = _strike(place, kind)
        if isinstance(fault, ScalerBlind) and fault.moved:
            why = f"went to {list(fault.moved)} while KEDA saw nothing"
            moved.append(Broken("I5", "replicas", why, kind.name))
    tell("waiting for rest")
    place.publisher.flush()
    prefix = own.config.broker.key_prefix
    wait_for(lambda: not left(stage.messages, prefix), _REST_S, "no message is left")
    rest_at = now()
    place.await_zero(_ZERO_S)
    cooldown_s = float(own.scaled_object["cooldownPeriod"])
    late = list(late_to_zero(watch.replicas, rest_at, cooldown_s, now()))
    keys = Keys(left(stage.messages, prefix), dead=dead_letters(stage.messages, prefix))
    return read(place.ledger, keys), [*moved, *late]


def _strike(place: Place, kind: type[ClusterFault]) -> ClusterFault:
    fault, place.publisher.episode = kind(), kind.name
    fault.choose(place)
    line = place.ledger.fault(kind.number, kind.name, kind.name, fault.victims)
    fault.strike(place)
    place.ledger.healed(line, fault.victims, asdict(kind.excuses))
    time.sleep(1)
    return fault


@contextmanager
def _staged(project: Project, tell: Tell) -> Iterator[Stage]:
    """A rehearsal of the campaign's own; it ends with the body."""
    tools = ensure_tools(tell)
    spec = rehearsal_spec(project, {"chaos": scenario().config("chaos", "")})
    spec = spec.model_copy(update={"hpa_sync_period_s": scenario().stage_hpa_s})
    try:
        supervisor.start(project.rehearsal, spec, tools, tell)
        with closing(Stage(project)) as stage:
            yield stage
    finally:
        supervisor.stop(project.rehearsal, tell)


@contextmanager
def _placed(stage: Stage, own: Arm, ledger: Ledger, processes: Processes) -> Iterator[Place]:
    """The worker at rest, its producer, and a way to the broker that only KEDA has."""
    layout, worker = Layout(stage.project.rehearsal), Deployed(stage.kubeconfig, stage.cluster, own)
    with closing(worker), api_server(layout) as server:
        worker.clear()
        stage.forget_messages()
        worker.make_home()
        view = open_scaler_view(stage.cluster, server, layout, own.namespace, processes)
        publisher = Publisher(processes, own.app, _environment(stage, own, ledger))
        publisher.start()
        target = Target(stage.cluster, server, layout, own.namespace, WORKER)
        try:
            worker.start()
            yield Place(target, server, publisher, ledger, view)
        finally:
            publisher.close()
            worker.clear()


def _environment(stage: Stage, own: Arm, ledger: Ledger) -> dict[str, str]:
    secret = stage.cluster.secret(own.namespace, names.BROKER) or {}
    folder = ledger.path.parent
    settings = folder / "settings.json"
    settings.write_text(own.settings)
    return {
        **os.environ,
        "CELERY_BROKER_URL": secret["brokerUrl"],
        "CELERY_RESULT_BACKEND": secret["resultBackend"],
        "FLEET_BROKER_CA_FILE": str(stage.ca_file()),
        "FLEET_SETTINGS_FILE": str(settings),
        "FLEET_DATA_DIR": str(folder),
        "IMAGINEER_MAINTENANCE_QUEUE": WORKER,
        PATH_VARIABLE: str(ledger.path),
        deed.WORKER_VARIABLE: "producer",
    }
