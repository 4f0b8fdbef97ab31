"""A preview beside a rehearsed base, by the command that people run, and what each may touch."""

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.exceptions import AuthenticationError, NoPermissionError

from fleet.api_client import FleetApi
from fleet.cluster_place import VARIABLE
from fleet.deviation import deviation
from fleet.previews.naming import key_prefix, preview_name
from fleet.progress import Progress
from fleet.project import STATE_VARIABLE, Project
from fleet.pulumi_runs import Pulumi
from fleet.session import Session
from infra import names
from infra.models.fleet import FleetConfig
from rehearsal.cloud.clients import Clients
from rehearsal.layout import Layout

_BRANCH = "feature/rehearsed"
_TASK = "worker_image.tasks.canary.work"
_TASK_LIMIT_S = 90.0
_COMMAND_LIMIT_S = 400.0
_POLL_S = 0.25
_TOLD = 1500
_STAYS = (("up", "--yes", "--skip-preview"), ("preview", "--refresh"))


@dataclass(frozen=True)
class RehearsedPreview:
    """One that comes, works, is kept apart from its base, and goes."""

    project: Project
    stack: str
    config: FleetConfig
    clients: Clients
    progress: Progress

    def visit(self, pulumi: Pulumi) -> None:
        """Do every step.

        Raises:
            RehearsalError: from the first step whose outcome is not as it has to be.

        """
        began = time.monotonic()
        self._lose_user()
        printed = self._fleet(pulumi, "up", "--ttl", "1h")
        if f"user {self._user} of its own" not in printed:
            raise deviation(f"`fleet preview up` said {printed[-_TOLD:]}", "a user of its own")
        self._work()
        self.progress.say("a preview", f"up and a task through it, {_since(began)}")
        guest, host = self._login(self.name), self._login(self.config.namespace)
        self._keep_apart(guest, host)
        for command in _STAYS:
            pulumi.succeed(*command, "--expect-no-changes")
        self.progress.say("its base", "no change, and no drift by the preview's users")
        began = time.monotonic()
        self._fleet(pulumi, "down")
        self._leave_nothing(guest)
        self.progress.say("a preview", f"down, without a user or a key left, {_since(began)}")

    @property
    def name(self) -> str:
        return preview_name(_BRANCH)

    @property
    def _user(self) -> str:
        return names.cache_user(self.name, "fleet")

    def _lose_user(self) -> None:
        """Leave a user behind, as a Pulumi that is killed while it waits for AWS does."""
        self.clients.client("elasticache").create_user(
            UserId=self._user,
            UserName=self._user,
            Engine="valkey",
            AccessString="off -@all",
            NoPasswordRequired=True,
        )

    def _work(self) -> None:
        # Its base's own kubeconfig leads to the same cluster, whose pods no port is forwarded to.
        api: FleetApi = Session(self.project, self.name, self.project.kubeconfig).api
        task = api.create(_TASK, {"seconds": 0.1})
        deadline = time.monotonic() + _TASK_LIMIT_S
        while (status := api.result(task).status) == "pending":
            if time.monotonic() > deadline:
                raise deviation(f"a preview's task is {status}", "a result")
            time.sleep(_POLL_S)
        if status != "completed":
            raise deviation(f"a preview's task is {status}", "completed")

    def _keep_apart(self, guest: "redis.Redis", host: "redis.Redis") -> None:
        own, other = key_prefix(self.name), self.config.broker.key_prefix
        for client, prefix, foreign in ((guest, own, other), (host, other, own)):
            client.llen(f"{prefix}default")
            try:
                client.llen(f"{foreign}default")
            except NoPermissionError:
                continue
            raise deviation(f"a user of {prefix} reads a list of {foreign}", "NOPERM")
        self.progress.say("keys", f"{own} and {other}: each user is refused on the other's")

    def _leave_nothing(self, guest: "redis.Redis") -> None:
        users = self.clients.client("elasticache").describe_users()["Users"]
        if left := [each["UserId"] for each in users if each["UserId"].startswith(self.name)]:
            raise deviation(f"users {', '.join(left)} after `down`", "none")
        guest.connection_pool.disconnect()
        try:
            guest.ping()
        except AuthenticationError:
            pass
        else:
            raise deviation(f"{self._user} still logs in", "WRONGPASS")
        with self._login(self.config.namespace) as host:
            found = list(host.scan_iter(f"{key_prefix(self.name)}*", count=1000))
        if found:
            raise deviation(f"{len(found)} keys of the preview after `down`", "none")

    def _login(self, namespace: str) -> "redis.Redis":
        session = Session(self.project, self.stack)
        secret: Mapping[str, str] = session.cluster.secret(namespace, names.BROKER) or {}
        authority = Layout(self.project.rehearsal).certificates / "ca.crt"
        return redis.Redis.from_url(secret["brokerUrl"], ssl_ca_certs=str(authority))

    def _fleet(self, pulumi: Pulumi, action: str, *more: str) -> str:
        named = ("--branch", _BRANCH, "--base", self.stack)
        # Without a kubeconfig of the user's, as on a machine of CI: the base's own has to do.
        around = {k: v for k, v in pulumi.environment.items() if k != VARIABLE}
        done = subprocess.run(
            [Path(sys.prefix) / "bin" / "fleet", "preview", action, *named, *more],
            cwd=self.project.root,
            env={**around, STATE_VARIABLE: str(self.project.state)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_COMMAND_LIMIT_S,
        )
        if done.returncode:
            raise deviation(f"`fleet preview {action}` ended so: {done.stdout[-_TOLD:]}", "success")
        return done.stdout


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.1f} s"
