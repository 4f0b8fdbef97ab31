"""Previews whose state lies in a bucket: moto's S3, the real engine, a program with no cluster."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import psutil
from moto.server import ThreadedMotoServer

from fleet.previews.engine import PreviewEngine
from fleet.previews.place import Place
from fleet.previews.up import write
from fleet.project import PROJECT_NAME, Project
from fleet.stack_file import secrets_provider
from infra.models.fleet import FleetConfig
from tests.unit.preview_stage import LOCAL, NAME, base, wish
from tests.unit.recorder import IMAGINEER

REGION = "eu-central-1"
BASE = "local"
_PATIENCE_S = 60
_PROGRAM = """
import json, time
from pathlib import Path
import pulumi

marks = pulumi.Config("celery-fleet").get_object("preview")
pulumi.export("preview", marks)
pulumi.export("base", None if marks else json.loads(Path("base.json").read_text()))
if Path("slow").exists():
    Path("running").touch()
    time.sleep(600)
"""


class NoCluster:
    """A stand-in for an API server without a single object."""

    def get(self, _path: str) -> None:
        return None


@dataclass(frozen=True)
class InBucket(Place):
    """A place whose backend is the variables' own, and whose cluster is empty."""

    def cluster(self, name: str, config: FleetConfig) -> Any:
        assert config.namespace == name
        return NoCluster()


@dataclass(frozen=True)
class Stage:
    """One project whose stacks are in a bucket."""

    place: InBucket
    endpoint: str
    name: str
    """Of its bucket: moto keeps those of a process in one account."""

    def engine(self, **breaking: bool) -> PreviewEngine:
        return PreviewEngine(self.place, **breaking)

    @cached_property
    def bucket(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="made-up",
            aws_secret_access_key="made-up",
        )

    def objects(self) -> list[str]:
        return [each["Key"] for each in self.bucket.list_objects_v2(Bucket=self.name)["Contents"]]

    def locks(self) -> list[str]:
        return [key for key in self.objects() if key.startswith(".pulumi/locks/")]

    def leave_lock(self, **content: object) -> None:
        """As Pulumi writes one."""
        self.bucket.put_object(
            Bucket=self.name,
            Key=f".pulumi/locks/organization/{PROJECT_NAME}/{NAME}/0a1b.json",
            Body=json.dumps(content),
        )

    def made(self, *, up: bool = False) -> FleetConfig:
        """The preview's stack and stack file; on request with what its program makes."""
        key = secrets_provider(self.place.project.stack_file(BASE))
        made = replace(base(BASE), secrets_provider=key)
        config, engine = write(self.place.project, made, wish()), self.engine()
        engine.claim(NAME, print)
        if up:
            engine.up(NAME, print)
        return config

    def bring_up_base(self) -> None:
        engine = self.engine()
        engine.claim(BASE, print)
        engine.up(BASE, print)

    @contextmanager
    def at_work(self) -> Iterator["subprocess.Popen[bytes]"]:
        """A `pulumi up` of the preview in the middle of its program; none is left."""
        root = self.place.project.root
        slow, running = root / "infra" / "slow", root / "infra" / "running"
        slow.touch()
        up = subprocess.Popen(
            [self.place.pulumi, "up", "--yes", "--skip-preview", "--stack", NAME],
            cwd=root,
            env=self.place.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + _PATIENCE_S
            while not running.exists():
                assert time.monotonic() < deadline, "its program runs"
                time.sleep(0.1)
            slow.unlink()
            yield up
        finally:
            end(up)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and what it has started."""
    if process.poll() is None:
        family = [*psutil.Process(process.pid).children(recursive=True)]
        for each in [psutil.Process(process.pid), *family]:
            each.kill()
    process.wait()


@contextmanager
def staged(root: Path, pulumi: Path, plugins: Path, *, by_key: bool = False) -> Iterator[Stage]:
    """A bucket, and a checkout with a base, whose secrets a key of KMS opens, or a passphrase."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        made = _stage(root, pulumi, plugins, f"http://{host}:{port}")
        yield _by_key(made) if by_key else made
    finally:
        server.stop()


def _stage(root: Path, pulumi: Path, plugins: Path, endpoint: str) -> Stage:
    project, name = Project(root, root / ".state"), f"state-{uuid4()}"
    _lay_out(project)
    query = f"endpoint={endpoint}&s3ForcePathStyle=true&region={REGION}"
    variables = {
        "PATH": os.pathsep.join([str(plugins), str(pulumi.parent), os.environ["PATH"]]),
        "PULUMI_BACKEND_URL": f"s3://{name}?{query}",
        "PULUMI_CONFIG_PASSPHRASE": "correct horse",
        "PULUMI_HOME": str(project.pulumi_home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "AWS_ACCESS_KEY_ID": "made-up",
        "AWS_SECRET_ACCESS_KEY": "made-up",
    }
    stage = Stage(InBucket(project, BASE, base(BASE).config, pulumi, variables), endpoint, name)
    place = {"LocationConstraint": REGION}
    stage.bucket.create_bucket(Bucket=name, CreateBucketConfiguration=place)
    return stage


def _by_key(stage: Stage) -> Stage:
    """No passphrase at all, as in CI."""
    login = {"aws_access_key_id": "made-up", "aws_secret_access_key": "made-up"}
    kms = boto3.client("kms", endpoint_url=stage.endpoint, region_name=REGION, **login)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    file = stage.place.project.stack_file(BASE)
    provider = f"secretsprovider: awskms:///{key}?region={REGION}&awssdk=v2\n"
    file.write_text(provider + file.read_text())
    kept = {k: v for k, v in stage.place.variables.items() if k != "PULUMI_CONFIG_PASSPHRASE"}
    variables = {**kept, "AWS_ENDPOINT_URL_KMS": stage.endpoint, "AWS_REGION": REGION}
    return replace(stage, place=replace(stage.place, variables=variables))


def _lay_out(project: Project) -> None:
    (project.root / "infra").mkdir(parents=True)
    (project.root / "infra" / "__main__.py").write_text(_PROGRAM)
    (project.root / "infra" / "base.json").write_text(json.dumps(LOCAL))
    runtime = f"name: python\n  options: {{toolchain: pip, virtualenv: {sys.prefix}}}"
    text = f"name: {PROJECT_NAME}\nmain: infra/\nruntime:\n  {runtime}\n"
    (project.root / "Pulumi.yaml").write_text(text)
    project.stack_file(BASE).write_text(IMAGINEER.read_text())
