"""What befalls a broker on AWS while tasks run: a rotation of its logins, and a failover."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from fleet import readiness
from fleet.broker_trial import Account, Trial
from fleet.deviation import deviation
from fleet.kubernetes import Object
from fleet.progress import Progress
from fleet.project import Project
from fleet.pulumi_runs import Pulumi
from fleet.session import Session
from infra import names
from infra.manifests.broker import BROKER_CHECKSUM
from infra.manifests.labels import COMPONENT_LABEL
from infra.models.elasticache import Credentials, ElastiCacheBroker
from infra.models.fleet import FleetConfig
from rehearsal.broker.account import Account as Login
from rehearsal.broker.connection import Connection
from rehearsal.cloud.clients import Clients
from rehearsal.layout import Layout

_STEP = ("--yes", "--skip-preview")
# The one shard of a group with cluster mode disabled.
_SHARD = "0001"
_ROLLED_LIMIT_S = 120.0
_POLL_S = 0.5
# redis_exporter logs in as a user of its own.
_OF_THE_LOGIN = f"{COMPONENT_LABEL}!={names.REDIS_EXPORTER}"


@dataclass(frozen=True)
class BrokerEvents:
    """Goes through them as docs/aws.md tells operators to, and accounts for each task."""

    project: Project
    stack: str
    config: FleetConfig
    clients: Clients
    progress: Progress

    def befall(self, pulumi: Pulumi) -> None:
        """Go through all of them, where the stack's broker has a replica that may take over."""
        broker = self.config.broker
        if isinstance(broker, ElastiCacheBroker) and broker.failover:
            self.rotate(pulumi, broker.credentials)
            self.fail_over()

    def rotate(self, pulumi: Pulumi, now: Credentials) -> None:
        """Move the fleet to the idle user with a new password, then close the former one.

        Raises:
            RehearsalError: a task was lost, failed or ran twice, or the former login still opens.

        """
        former = self._login()
        idle = "green" if now.active == "blue" else "blue"

        def rotate() -> None:
            _raise_number(pulumi, now, idle)
            pulumi.succeed("config", "set", "--path", "broker.credentials.active", idle)
            self._tell("up", f"the fleet logs in as {idle}", pulumi)

        self._account("rotation", rotate)
        self._until_rolled()
        _raise_number(pulumi, now, now.active)
        _raise_number(pulumi, now, "keda")
        _raise_number(pulumi, now, "exporter")
        self._tell("up", f"other passwords for {now.active}, keda and exporter", pulumi)
        if not (self._refusal(former) or "").startswith("answers ['-WRONGPASS"):
            raise deviation(f"the former login: {self._refusal(former)}", "WRONGPASS")
        if self._refusal(self._login()):
            raise deviation(f"the new login: {self._refusal(self._login())}", "an answer")
        with self.progress.running("scalers") as tell:
            session = self._session()
            readiness.wait(session.cluster, self.config, Layout(self.project.rehearsal).pods, tell)

    def fail_over(self) -> None:
        """Let the primary be lost and its replica take over, as AWS's own test of it does.

        Raises:
            RehearsalError: a task was lost, failed or ran twice.

        """
        group = names.replication_group(self.config.namespace)

        def fail_over() -> None:
            began = time.monotonic()
            cache = self.clients.client("elasticache")
            cache.test_failover(ReplicationGroupId=group, NodeGroupId=_SHARD)
            self.progress.say("failover", f"a replica is primary, {time.monotonic() - began:.1f} s")

        self._account("failover", fail_over)

    def _account(self, step: str, event: Callable[[], None]) -> None:
        with self.progress.running(step) as tell:
            account = Trial(self.project, self.stack, self.config).during(event, tell)
        self.progress.say(step, str(account))
        problem = wrong(account)
        if problem:
            raise deviation(
                f"{step}: {account}; {problem}", "each task's result, and one run of it"
            )

    def _tell(self, step: str, outcome: str, pulumi: Pulumi) -> None:
        run = pulumi.succeed("up", *_STEP)
        self.progress.say(step, f"{outcome}, {run.seconds:.1f} s")

    def _until_rolled(self) -> None:
        """Wait until every pod of the fleet's login shows the same, those that end included."""
        deadline = time.monotonic() + _ROLLED_LIMIT_S
        path = f"/api/v1/namespaces/{self.config.namespace}/pods"
        cluster = self._session().cluster
        pods = partial(cluster.items, path, labelSelector=_OF_THE_LOGIN)
        while len(shown := {_login_mark(pod) for pod in pods()}) > 1:
            if time.monotonic() > deadline:
                raise deviation(f"pods of {len(shown)} logins after {_ROLLED_LIMIT_S:.0f} s", "one")
            time.sleep(_POLL_S)

    def _session(self) -> Session:
        return Session(self.project, self.stack)

    def _login(self) -> dict[str, str]:
        found = self._session().cluster.secret(self.config.namespace, names.BROKER)
        return dict(found or {})

    def _refusal(self, login: dict[str, str]) -> str | None:
        """What the broker says to a login; None where it lets it in."""
        account = Login(login["username"], login["password"])
        authority = Layout(self.project.rehearsal).certificates / "ca.crt"
        return Connection(int(login["port"]), account, authority).problem()


def wrong(account: Account) -> str | None:
    """Say what must not be; None where there is nothing."""
    if account.lost or account.failed:
        return "tasks were lost or failed"
    if account.unseen:
        return f"{account.unseen} tasks are in no log, so that it is not known how often they ran"
    return "tasks ran twice" if account.repeated else None


def _raise_number(pulumi: Pulumi, now: Credentials, user: str) -> None:
    number = getattr(now, user) + 1
    pulumi.succeed("config", "set", "--path", f"broker.credentials.{user}", str(number))


def _login_mark(pod: Object) -> str | None:
    mark: str | None = (pod["metadata"].get("annotations") or {}).get(BROKER_CHECKSUM)
    return mark
