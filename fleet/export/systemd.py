"""Systemd units: a template for each worker, one beat, one janitor, one API, one target."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from fleet.export.process import Process, processes
from infra.manifests.container import DATA_DIR
from infra.models.fleet import FleetConfig

TARGET = "celery-fleet.target"
USER = "celery-fleet"
DEFAULT_HOME = PurePosixPath("/opt/celery-fleet")
_ETC = "/etc/celery-fleet"
_HEADER = """\
# The fleet of stack {stack} under systemd; made by `fleet export systemd`.
# systemd cannot do what Kubernetes and KEDA do here: nothing scales with the queues (by hand:
# systemctl start celery-{example}@2); no node comes or goes, none is spot; node groups and
# taints do not exist; a GPU is not given to one unit and kept from others. Nothing reads the
# heartbeat files: a worker that hangs is not restarted, one that ends is.
# They read settings.json (written with them) and what is never written by them, from {etc}:
#   broker.env     CELERY_BROKER_URL=rediss://<user>:<password>@<host>:<port>/0?ssl_cert_reqs=required
#                  CELERY_RESULT_BACKEND=<the same with /1>  CELERY_RESULT_EXPIRES={expires_s}
#   api-token.env  FLEET_API_TOKEN=<token>
#   ca.crt         of the CA that signed the broker's certificate
"""
_UNIT = """\
[Unit]
Description={description}
After=network-online.target
Wants=network-online.target
PartOf={target}
# A worker that refuses its settings would else be started again for ever.
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=exec
User={user}
Group={user}
WorkingDirectory={home}
{environment}
{environment_files}
ExecStart={command}
Restart=always
RestartSec=5
# SIGTERM to the main process alone: it lets its pool end what runs. SIGKILL to all, after that.
KillSignal=SIGTERM
KillMode=mixed
TimeoutStopSec={grace_s}
{limits}
RuntimeDirectory={runtime}
StateDirectory=celery-fleet
UMask=0077
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths={data}
ProtectHome=yes
PrivateTmp=yes
{devices}ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
CapabilityBoundingSet=
SystemCallArchitectures=native

[Install]
WantedBy={target}
"""
_DATA = "/var/lib/celery-fleet"


def unit_files(config: FleetConfig, stack: str, home: PurePosixPath) -> dict[str, str]:
    """Text of each unit, and of the account they run under, by file name; no secret is in them.

    Args:
        config: the stack.
        stack: its name, for the headers.
        home: where the image's code lies, with its virtual environment in `venv`.

    """
    found = processes(config)
    example = next(each.name for each in found).removeprefix("worker-")
    header = _HEADER.format(
        stack=stack, example=example, etc=_ETC, expires_s=config.broker.result_expires_s
    )
    units = {_unit_name(each): header + _unit(config, each, home) for each in found}
    account = f"u {USER} - 'Celery fleet' {_DATA} /usr/sbin/nologin\n"
    return {**units, TARGET: header + _target(found), "celery-fleet.sysusers.conf": account}


def _unit_name(process: Process) -> str:
    if process.name.startswith("worker-"):
        return f"celery-{process.name.removeprefix('worker-')}@.service"
    return f"celery-fleet-{process.name}.service"


def _unit(config: FleetConfig, process: Process, home: PurePosixPath) -> str:
    # A template's instances share a host, so each needs a name of its own.
    instance = "-%i" if _unit_name(process).endswith("@.service") else ""
    runtime = f"celery-fleet/{process.name}{instance}"
    program, *arguments = process.command
    words = [f"{home}/venv/bin/{program}", *(_here(word, instance) for word in arguments)]
    return _UNIT.format(
        description=f"Celery fleet {config.namespace}: {process.name}{instance}",
        target=TARGET,
        user=USER,
        home=home,
        environment="\n".join(_environment(process, home, runtime, instance)),
        environment_files="\n".join(_environment_files(process.secrets)),
        command=" ".join(words),
        grace_s=process.grace_s,
        limits="\n".join(_limits(process)),
        runtime=runtime,
        data=_DATA,
        # The driver's devices are the machine's own.
        devices="" if process.gpus else "PrivateDevices=yes\n",
    )


def _environment(process: Process, home: PurePosixPath, runtime: str, instance: str) -> list[str]:
    places = {
        "FLEET_BROKER_CA_FILE": f"{_ETC}/ca.crt",
        "FLEET_SETTINGS_FILE": f"{_ETC}/settings.json",
        "FLEET_HEARTBEAT_FILE": f"/run/{runtime}/heartbeat",
        "FLEET_DATA_DIR": _DATA,
    }
    own = {
        name: value.replace(DATA_DIR, _DATA)
        for name, value in process.environment.items()
        if name not in places
    }
    values = {
        "PYTHONPATH": str(home),
        "PYTHONUNBUFFERED": "1",
        "CELERY_QUIET": "true",
        "POD_NAME": f"%H{instance}",
        **places,
        **own,
    }
    return [f'Environment="{name}={value}"' for name, value in values.items()]


def _environment_files(secrets: Mapping[str, str]) -> list[str]:
    """Files that root alone may read: systemd reads them before it becomes the user."""
    return [f"EnvironmentFile={_ETC}/{secret}.env" for secret in sorted(set(secrets.values()))]


def _limits(process: Process) -> list[str]:
    return [f"MemoryMax={process.memory_mib}M", f"CPUQuota={process.cpu_millicores / 10:g}%"]


def _target(found: list[Process]) -> str:
    wanted = []
    for process in found:
        name = _unit_name(process)
        if name.endswith("@.service"):
            wanted += [name.replace("@", f"@{n}") for n in range(1, process.replicas + 1)]
        else:
            wanted.append(name)
    lines = "\n".join(f"Wants={name}" for name in wanted)
    return (
        f"[Unit]\nDescription=The Celery fleet\n{lines}\n\n[Install]\nWantedBy=multi-user.target\n"
    )


def _here(word: str, instance: str) -> str:
    """A word of a command line, in systemd's own way of writing it."""
    escaped = word.replace("%", "%%").replace("$(POD_NAME)", f"%H{instance}")
    return escaped.replace("$(POD_IP)", "127.0.0.1")
