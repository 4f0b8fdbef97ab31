"""How the engine's wish to run something becomes a command line and an environment."""

import json
from collections.abc import Sequence
from pathlib import Path

from pulumi.runtime.proto import language_pb2 as pb

from rehearsal.plugins.language_host.children import Stream
from rehearsal.plugins.language_host.program import SHOWN

PROGRAM = Path(__file__).with_name("program.py")
ANALYZER = "analyzer"


def program_arguments(request: pb.RunRequest, engine_address: str) -> list[str]:
    """Arguments of the Python that runs `program.py`; no secret is among them."""
    named = {
        "monitor": request.monitor_address,
        "engine": engine_address,
        "project": request.project,
        "root_directory": request.info.root_directory,
        "stack": request.stack,
        "pwd": request.pwd,
        "dry_run": "true" if request.dryRun else "false",
        "parallel": str(request.parallel),
        "organization": request.organization,
    }
    flags = [f"--{key}={value}" for key, value in named.items() if value]
    return [str(PROGRAM), *flags, request.info.entry_point, *request.args]


def configuration(request: pb.RunRequest) -> dict[str, str]:
    """The stack's configuration as the SDK reads it; the environment is the official channel."""
    return {
        "PULUMI_CONFIG": json.dumps(dict(request.config)),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
    }


def policy_pack_arguments(args: Sequence[str], pack: str) -> list[str]:
    """Arguments of the Python that serves a policy pack; the pack's folder comes last.

    The official host also tells it the stack's name and configuration; here it learns neither.
    """
    return ["-u", "-m", "pulumi.policy", *args, pack]


def variables(pairs: Sequence[str]) -> dict[str, str]:
    """`KEY=value` pairs as a mapping; a later pair wins."""
    split = [pair.partition("=") for pair in pairs]
    return {key: value for key, _, value in split}


def piece(stream: Stream, chunk: bytes) -> pb.RunPluginResponse:
    """What a running policy pack wrote."""
    if stream == "stderr":
        return pb.RunPluginResponse(stderr=chunk)
    return pb.RunPluginResponse(stdout=chunk)


def outcome(code: int) -> pb.RunResponse:
    """What the engine is told of a program that ended with `code`."""
    if code == 0:
        return pb.RunResponse()
    if code == SHOWN:
        return pb.RunResponse(bail=True)
    if code < 0:
        return pb.RunResponse(error=f"program was ended by signal {-code}")
    return pb.RunResponse(error=f"program exited with non-zero exit code: {code}")
