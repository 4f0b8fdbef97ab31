"""Two fleets on one broker, each behind a key prefix and with users of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import redis
from celery import Celery
from kombu import pools

from infra.manifests.aws.access_strings import Workload, guest
from tests.rehearsal.worker_fleet import Broker, Fleet, Processes, eventually
from tests.unit.worker_stage import QUEUE, fair_document

QUEUES = {"default": False, "labeling": True}
WORK = "worker_image.tasks.canary.work"
UNKNOWN = "worker_image.tasks.canary.newer"
SECRET = "0123456789abcdef"


@dataclass
class Door(Broker):
    """A broker as one user sees it."""

    user: str = "default"

    def url(self, db: int) -> str:
        address = f"127.0.0.1:{self.port}/{db}"
        return f"rediss://{self.user}:{SECRET}@{address}?ssl_cert_reqs=required"

    def as_user(self) -> "redis.Redis":
        """Return a client with this user's rights."""
        return redis.Redis(
            unix_socket_path=str(self.folder / "broker.sock"),
            username=self.user,
            password=SECRET,
            decode_responses=True,
        )

    @contextmanager
    def stock(self, prefix: str, **conf: object) -> Iterator[Celery]:
        """Give a stock Celery application, which knows of the fleet what its docs ask for."""
        urls = [f"{self.url(db)}&ssl_ca_certs={self.ca}" for db in (0, 1)]
        app = Celery("stock", broker=urls[0], backend=urls[1], set_as_current=False)
        lists = {"sep": ":", "priority_steps": [0, 3, 6, 9]}
        app.conf.update(
            broker_transport_options={"global_keyprefix": prefix, **lists},
            result_backend_transport_options={"global_keyprefix": prefix},
            task_publish_retry=False,
            **conf,
        )
        try:
            yield app
        finally:
            app.close()
            app.backend.result_consumer.stop()
            # Else a result that is forgotten later would ask the server.
            app.backend.result_consumer.subscribed_to.clear()
            app.backend.client.close()
            # Its connections are the process's, by address.
            pools.reset()


@dataclass
class Restricted:
    """One stack, whose processes are all logged in as its own fleet user."""

    prefix: str
    others: tuple[str, ...]
    folder: Path
    broker: Broker
    fleet: Fleet = field(init=False)
    heartbeats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.folder.mkdir()
        for workload, access in guest(self.prefix, QUEUES, self.others).items():
            user = self.door(workload).user
            words = ("reset", f">{SECRET}", *access.split())
            with self.broker.client() as client:
                client.execute_command("ACL", "SETUSER", user, *words)
        told = fair_document(keyPrefix=self.prefix, visibilityTimeoutSeconds=60)
        told["queues"] = {name: {**QUEUE, **told["queues"][name]} for name in QUEUES}
        told["workers"] = {
            name: {"queues": [name], "inFlightKey": f"unacked:{name}"} for name in QUEUES
        }
        self.fleet = Fleet(self.folder, self.door("fleet"), Processes(Path.cwd()), told)

    @property
    def name(self) -> str:
        return self.prefix.rstrip(":")

    def node(self, queue: str) -> str:
        return f"worker-{queue}@{self.name}"

    def door(self, workload: Workload) -> Door:
        own = self.broker
        return Door(own.folder, own.port, own.processes, user=f"{self.name}-{workload}")

    def publish(self, program: str) -> list[str]:
        """Run a program of the image's that publishes, as the producer; the ids that it printed."""
        door, self.fleet.broker = self.fleet.broker, self.door("producer")
        try:
            return self.fleet.publish(program)
        finally:
            self.fleet.broker = door

    def launch(self) -> None:
        """Start workers and beat, and wait for none."""
        for queue in QUEUES:
            self.fleet.launch(
                queue,
                *(f"--queues={queue}", f"--hostname={self.node(queue)}", "-E", "--concurrency=1"),
                *("--prefetch-multiplier=1", "--disable-prefetch", "-O", "fair"),
                "--without-mingle",
            )
        self.fleet.launch("beat", command="beat")
        self.heartbeats = (*QUEUES, "beat")

    def launch_janitor(self) -> None:
        self.heartbeats = (*self.heartbeats, "janitor")
        self.fleet.processes.start(
            self.fleet.log("janitor"),
            *("python", "-m", "worker_image.janitor"),
            **self.fleet.env,
            POD_NAME="janitor",
            FLEET_HEARTBEAT_FILE=str(self.fleet.heartbeat("janitor")),
        )

    def wait(self) -> None:
        """Wait until all that was started is there."""
        for name in self.heartbeats:
            eventually(self.fleet.heartbeat(name).exists, 60)


@dataclass
class Listener:
    """Hears a stack's events until it is closed."""

    app: Celery
    heard: list[dict[str, Any]] = field(default_factory=list)
    _closing: bool = False

    def __post_init__(self) -> None:
        self._thread = Thread(target=self._listen)
        self._thread.start()

    def hosts(self) -> set[str]:
        """Nodes of workers; who sends a task tells its process."""
        told = (event for event in list(self.heard) if event["type"] != "task-sent")
        return {str(event["hostname"]) for event in told}

    def kinds(self) -> set[str]:
        return {str(event["type"]) for event in list(self.heard)}

    def tasks(self) -> set[str]:
        return {str(event["uuid"]) for event in list(self.heard) if "uuid" in event}

    def close(self) -> None:
        self._closing = True
        self._thread.join()

    def _listen(self) -> None:
        with self.app.connection_for_read() as connection:
            receiver = self.app.events.Receiver(connection, handlers={"*": self.heard.append})
            while not self._closing:
                try:
                    receiver.capture(limit=None, timeout=0.5, wakeup=False)
                except TimeoutError:
                    continue
