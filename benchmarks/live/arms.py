"""One policy on the stage: what is deployed for it, what its publisher's environment is."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from benchmarks.live import peer_scaling, peer_variables
from benchmarks.live.pace import SCALED_OBJECT_TIMES, SETTINGS_TIMES, Pace
from benchmarks.live.scenario import WORKER, Scenario
from fleet.simulation import Delivery, ScalingPolicy
from fleet.simulation.peers import airflow_chart, keda_defaults, mitodl_cms
from infra.manifests import Manifest
from infra.manifests.deployment import worker_deployment
from infra.manifests.scaled_object import scaled_object
from infra.manifests.settings import settings_document
from infra.models.fleet import FleetConfig
from infra.names import in_flight_key

OURS = "ours"
_OUR_APP = "worker_image.app"
_PEER_APP = "benchmarks.live.peer_app"
_UNITS = ("--prefetch-multiplier=", "--app=", "--disable-prefetch")

Peer = Callable[[int, int], ScalingPolicy]
"""Maximum and concurrency in, policy out; the numbers and their sources are the simulator's."""

PEERS: Mapping[str, Peer] = {
    "keda": keda_defaults,
    "airflow": airflow_chart,
    "mitodl": mitodl_cms,
}
OUR_WORKER = "+worker"
"""After a peer's name: its scaling, our acknowledgement, prefetch and grace."""
POLICIES = (OURS, *PEERS)


@dataclass(frozen=True)
class Arm:
    """Objects in seconds of the stage, and how to publish to them."""

    name: str
    label: str
    namespace: str
    config: FleetConfig
    settings: str
    """Text of settings.json."""
    deployment: Manifest
    scaled_object: Manifest
    app: str
    variables: Mapping[str, str]
    """Of workers and publisher alike, beyond what the image's pods have."""
    in_flight_key: str
    """With its key prefix."""

    @property
    def min_replicas(self) -> int:
        least: int = self.scaled_object["minReplicaCount"]
        return least

    @property
    def pending_key(self) -> str:
        return f"{self.config.broker.key_prefix}{WORKER}"


def arm(scenario: Scenario, name: str) -> Arm:
    """Render one policy for one scenario.

    Raises:
        ValueError: no such policy.

    """
    namespace = f"live-{scenario.name}-{name.replace('+', '-with-our-')}"
    config = scenario.config(namespace, key_prefix=f"{name.replace('+', '-')}:")
    if name == OURS:
        return _ours(scenario, config)
    peer, _, with_ours = name.partition("+")
    if peer not in PEERS or with_ours not in {"", OUR_WORKER[1:]}:
        known = ", ".join((*POLICIES, *(f"{each}{OUR_WORKER}" for each in PEERS)))
        raise ValueError(f"{name!r} is no policy; known are {known}")
    plan = scenario.plan
    policy = PEERS[peer](plan.max_replicas, plan.concurrency)
    return (
        _with_our_worker(scenario, config, name, policy)
        if with_ours
        else _peer(scenario, config, name, policy)
    )


def _ours(scenario: Scenario, config: FleetConfig) -> Arm:
    return Arm(
        name=OURS,
        label="celery-fleet",
        namespace=config.namespace,
        config=config,
        settings=_settings(scenario.pace, config),
        deployment=_deployment(scenario, worker_deployment(config, WORKER)),
        scaled_object=scenario.pace.scaled(scaled_object(config, WORKER), SCALED_OBJECT_TIMES),
        app=_OUR_APP,
        variables={},
        in_flight_key=f"{config.broker.key_prefix}{in_flight_key(WORKER)}",
    )


def _with_our_worker(
    scenario: Scenario, config: FleetConfig, name: str, policy: ScalingPolicy
) -> Arm:
    own = _ours(scenario, config)
    spec = peer_scaling.scaled_object(policy, WORKER, own.pending_key, own.in_flight_key)
    return replace(
        own,
        name=name,
        label=f"{policy.name}, our worker",
        scaled_object=scenario.pace.scaled(spec, SCALED_OBJECT_TIMES),
    )


def _peer(scenario: Scenario, config: FleetConfig, name: str, policy: ScalingPolicy) -> Arm:
    pace, own = scenario.pace, _ours(scenario, config)
    spec = peer_scaling.scaled_object(policy, WORKER, own.pending_key, own.in_flight_key)
    variables = {
        peer_variables.LATE_ACK: "1" if policy.delivery.late_ack else "0",
        peer_variables.VISIBILITY_TIMEOUT: str(pace.whole(policy.delivery.visibility_timeout_s)),
    }
    deployment = worker_deployment(config, WORKER)
    pod = deployment["template"]["spec"]
    pod["terminationGracePeriodSeconds"] = round(policy.delivery.grace_s)
    container = pod["containers"][0]
    container["command"] = _peer_command(container["command"], policy.delivery)
    container["env"] += [{"name": key, "value": value} for key, value in variables.items()]
    return replace(
        own,
        name=name,
        label=policy.name,
        deployment=_deployment(scenario, deployment),
        scaled_object=pace.scaled(spec, SCALED_OBJECT_TIMES),
        app=_PEER_APP,
        variables=variables,
    )


def _peer_command(command: list[str], delivery: Delivery) -> list[str]:
    """Our command with the peer's app and prefetch.

    It keeps `--without-gossip --without-mingle`: mingling would delay each start by a second,
    which on the stage would weigh as many as the scale's factor.
    """
    kept = [argument for argument in command if not argument.startswith(_UNITS)]
    own = [f"--app={_PEER_APP}", "worker", f"--prefetch-multiplier={delivery.prefetch_multiplier}"]
    return ["celery", *own, *(argument for argument in kept[1:] if argument != "worker")]


def _deployment(scenario: Scenario, spec: Manifest) -> Manifest:
    """Times scaled, events on, which tell when tasks start; the start delayed if so stated."""
    pace = scenario.pace
    template = spec["template"]
    pod = template["spec"]
    container = pod["containers"][0]
    container["command"] = _delayed(
        scenario, [*pace.command(container["command"]), "--task-events"]
    )
    pod["terminationGracePeriodSeconds"] = pace.whole(pod["terminationGracePeriodSeconds"])
    return {**spec, "replicas": 0}


def _delayed(scenario: Scenario, command: list[str]) -> list[str]:
    """Sleep in place of a node's launch, an image's pull or a model's load."""
    if not scenario.start_delay_s:
        return command
    seconds = scenario.pace.seconds(scenario.start_delay_s)
    return ["sh", "-c", f'sleep {seconds:.2f}; exec "$@"', "delayed", *command]


def _settings(pace: Pace, config: FleetConfig) -> str:
    document = json.loads(settings_document(config))
    return json.dumps(pace.scaled(document, SETTINGS_TIMES), indent=1)
