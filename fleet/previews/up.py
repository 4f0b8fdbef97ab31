"""`fleet preview up`: a branch's preview, made or brought up to date."""

import os
import shlex
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from fleet import api_client, readiness, stack_config
from fleet.cluster_place import VARIABLE
from fleet.files import write_atomically
from fleet.kubernetes import Cluster
from fleet.previews import records
from fleet.previews.base import base_of
from fleet.previews.checkout import Checkout
from fleet.previews.cost import cost
from fleet.previews.engine import PreviewEngine
from fleet.previews.kubeconfig import pasted
from fleet.previews.membership import MOST_PREVIEWS, check_room, login_told
from fleet.previews.naming import preview_name
from fleet.previews.place import Place, context, place
from fleet.previews.smoked import smoked
from fleet.previews.stack_file import Base, Wish, preview_config
from fleet.progress import Progress
from fleet.project import PROJECT_NAME, Project
from fleet.stack_file import PROVIDER_KEY, PROVIDER_KEYS, TOKEN_KEY, is_secret_set, provider_of
from infra.models.fleet import FleetConfig
from infra.models.preview import PreviewSpec
from infra.names import API, API_TOKEN
from rehearsal.layout import Layout

_HEADER = "# Made by `fleet preview up`, and made anew by the next one: edits are lost.\n"


@dataclass(frozen=True)
class Request:
    """What a person or CI asks for."""

    branch: str | None
    ttl: timedelta
    base: str
    image: str | None
    training: bool | None
    """With the base's workers on GPUs; None: as it is."""
    break_lock: bool = False
    """Release the lock of a holder that seems to have died."""
    smoke: bool = False
    """Then send a probe through each of its queues."""


def run(project: Project, asked: Request, now: datetime, console: Console) -> str:
    """Bring the preview up, wait until it is ready, say how to reach it; return its name.

    Raises:
        RehearsalError: from the first step that fails; the same command goes on from there.

    """
    progress = Progress(console)
    checkout = Checkout(project.root)
    branch = asked.branch or checkout.branch()
    name = preview_name(branch)
    where = place(project, asked.base, progress.reporter("tools"))
    engine = PreviewEngine(where, break_lock=asked.break_lock)
    base = base_of(where, engine)
    earlier = records.marks(project, engine, name, base=where.base)
    wish = Wish(
        name=name,
        branch=branch,
        commit=checkout.commit(branch),
        created_at=earlier.created_at if earlier else now,
        expires_at=now + asked.ttl,
        image=asked.image,
        training=_training(asked, earlier),
        branch_seen_at=now if checkout.has(branch) else None,
    )
    check_room(where.base, base.told, lambda: _others(where, engine, name))
    config = write(project, base, wish)
    progress.say("preview", f"{name} of branch {branch}, beside {asked.base}")
    cluster = where.cluster(name, config)
    with progress.running("pulumi up") as tell:
        engine.claim(name, tell)
        lost = earlier is not None and _taken_apart(cluster, name)
        engine.up(name, tell, _token(project, name, cluster), taken_apart=lost)
    progress.say("pulumi up", "done")
    with progress.running("ready") as tell:
        readiness.wait(cluster, config, Layout(project.rehearsal).pods, tell)
    progress.say("ready", f"after {progress.elapsed_s():.0f} s")
    probed = _probed(where, name, progress) if asked.smoke else None
    _tell(console, where, config, probed, asked.image)
    return name


def _training(asked: Request, earlier: PreviewSpec | None) -> bool:
    """Whoever brings it up anew, as CI at each push, need not say it again."""
    if asked.training is None:
        return earlier.training if earlier else False
    return asked.training


def _taken_apart(cluster: Cluster, name: str) -> bool:
    """Whether a `down` that was broken off has ended its processes, which Pulumi cannot know."""
    return cluster.get(f"/apis/apps/v1/namespaces/{name}/deployments/{API}") is None


def _token(project: Project, name: str, cluster: Cluster) -> str | None:
    """What the API answers to already: another checkout, as each job of CI, cannot know it."""
    if is_secret_set(project.stack_file(name)):
        return None
    return (cluster.secret(name, API_TOKEN) or {}).get("token")


def _probed(where: Place, name: str, progress: Progress) -> str:
    with progress.running("smoke") as tell:
        return smoked(where, name, tell)


def _others(where: Place, engine: PreviewEngine, name: str) -> int:
    """Previews beside a base; asked of each only where all there are would be too many."""
    if len(engine.previews()) < MOST_PREVIEWS:
        return 0
    return sum(each.name != name for each in records.previews(where, engine))


def write(project: Project, base: Base, wish: Wish) -> FleetConfig:
    """Write the preview's stack file; its token and what opens it stay.

    Raises:
        RehearsalError: naming each key that would be refused; the former file is left as it is.

    """
    path = project.stack_file(wish.name)
    former = yaml.safe_load(path.read_text()) if path.is_file() else None
    document = _document(preview_config(base, wish), former or {}, base.secrets_provider)
    text = _HEADER + yaml.safe_dump(document, sort_keys=False, width=100, allow_unicode=True)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / path.name
        draft.write_text(text)
        config = stack_config.read(draft)
    write_atomically(path, text)
    return config


def _document(
    keys: dict[str, Any], former: dict[str, Any], secrets_provider: str | None
) -> dict[str, Any]:
    config = {f"{PROJECT_NAME}:{key}": value for key, value in keys.items()}
    opened = {PROVIDER_KEY: secrets_provider} if secrets_provider else {}
    if provider_of(former) != secrets_provider:
        # What another key encrypted nobody can read: Pulumi sets both anew.
        return {**opened, "config": config}
    token = (former.get("config") or {}).get(TOKEN_KEY)
    opened |= {key: former[key] for key in PROVIDER_KEYS if key in former}
    return {**opened, "config": config | ({TOKEN_KEY: token} if token else {})}


def _tell(
    console: Console, where: Place, config: FleetConfig, probed: str | None, image: str | None
) -> None:
    if config.preview is None:
        raise TypeError("a preview's stack file says whose preview it is")
    name = config.namespace
    commit = (config.preview.commit or "unknown")[:12]
    lines = [
        f"preview   {name} (branch {config.preview.branch}, commit {commit})",
        f"API       {_reached(where, name, config)}",
        f"image     {image or f'that of {where.base}; for another: --image'}",
        f"queues    {', '.join(sorted(config.queues))}",
        f"expires   {config.preview.expires_at:%Y-%m-%d %H:%M} UTC; the next up moves it",
        f"cost      a day {cost(config)}",
        f"broker    {login_told(config, where.base)}",
        *([] if probed is None else [f"smoke     {probed}"]),
        f"look      fleet status -s {name}{_looked(where)}",
    ]
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)


def _reached(where: Place, name: str, config: FleetConfig) -> str:
    """Pods of the rehearsal have addresses on this machine, and no way to forward a port."""
    if where.is_rehearsal:
        return f"http://{api_client.pod_address(where.cluster(name, config), name)}"
    own = where.own_kubeconfig
    named = f" --kubeconfig {pasted(where.project, own)}" if own else ""
    way = f"--context {shlex.quote(context(config))} -n {name} port-forward"
    return f"http://127.0.0.1:8000 after: kubectl{named} {way} deployment/{API} 8000:http"


def _looked(where: Place) -> str:
    """`fleet status` finds KUBECONFIG and the base's own, and not kubectl's default."""
    found = where.is_rehearsal or os.environ.get(VARIABLE) or where.own_kubeconfig
    return "" if found else " --kubeconfig ~/.kube/config"
