"""What goes before a preview's objects do: its workers at once, then every key of its own.

The keys are removed by a pod in the preview's own namespace, with the preview's own login: it
reaches the broker where this machine does not, and can touch no more than the preview could.
"""

import json
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fleet.kubernetes import Cluster, Object
from fleet.previews import forget
from fleet.previews.place import Place, kubectl_options
from infra import names
from infra.manifests import Manifest
from infra.manifests.container import container, volumes
from infra.manifests.labels import metadata
from infra.manifests.restricted import restricted_pod
from infra.models.fleet import FleetConfig
from infra.models.worker import Compute, Resources
from rehearsal.errors import RehearsalError

_POD = "forget-keys"
_RESOURCES = Resources(
    requests=Compute(cpu="25m", memory="64Mi"), limits=Compute(cpu="250m", memory="128Mi")
)
# What still runs in a preview is thrown away; its pods need not wait for it.
_GRACE_S = 2
_GONE_LIMIT_S = 60.0
_FORGET_LIMIT_S = 120.0
_POLL_S = 0.2


@dataclass(frozen=True)
class Cleaning:
    """One preview's namespace, on the way to being taken down; each step may be done again."""

    place: Place
    name: str
    config: FleetConfig
    cluster: Cluster
    report: Callable[[str], None]

    def run(self) -> int:
        """End its processes, remove its keys; return how many keys there were.

        Raises:
            RehearsalError: its pods stay, or its keys cannot be removed.

        """
        if not self._namespace_is_there():
            return 0
        self._end_processes()
        # Without a login nothing has ever reached the broker.
        if self.cluster.secret(self.name, names.BROKER) is None or not self._has_settings():
            return 0
        return self._forget_keys()

    def remove_namespace(self) -> None:
        """Remove a namespace that Pulumi has lost sight of, as after a kill in the middle."""
        if self._namespace_is_there():
            self._kubectl("delete", "namespace", self.name, "--ignore-not-found", "--wait=true")

    def _namespace_is_there(self) -> bool:
        return self.cluster.get(f"/api/v1/namespaces/{self.name}") is not None

    def _has_settings(self) -> bool:
        path = f"/api/v1/namespaces/{self.name}/configmaps/{names.SETTINGS}"
        return self.cluster.get(path) is not None

    def _end_processes(self) -> None:
        """Scalers first: they would start the workers again."""
        kinds = ("scaledobjects.keda.sh", "deployments.apps")
        for kind in kinds:
            self._kubectl("delete", kind, "--all", "--cascade=background", "--wait=true")
        self._kubectl("delete", "pods", "--all", f"--grace-period={_GRACE_S}", "--wait=false")
        deadline = time.monotonic() + _GONE_LIMIT_S
        while pods := self.cluster.items(f"/api/v1/namespaces/{self.name}/pods"):
            self.report(f"waiting for {len(pods)} pods to end")
            if time.monotonic() > deadline:
                raise self._stuck(f"{len(pods)} pods have not ended in {_GONE_LIMIT_S:.0f} s")
            time.sleep(_POLL_S)

    def _forget_keys(self) -> int:
        self._kubectl("create", "-f", "-", given=json.dumps(forgetting_pod(self.config)))
        path = f"/api/v1/namespaces/{self.name}/pods/{_POD}"
        deadline = time.monotonic() + _FORGET_LIMIT_S
        while (phase := _phase(self.cluster.get(path))) not in {"Succeeded", "Failed"}:
            self.report(f"removing its keys from the broker: the pod is {phase or 'gone'}")
            if time.monotonic() > deadline:
                raise self._stuck(f"pod {_POD} has not ended in {_FORGET_LIMIT_S:.0f} s")
            time.sleep(_POLL_S)
        printed = self._kubectl("logs", _POD).strip()
        # One that has ended still holds the shared data: its claim would never go.
        self._kubectl("delete", "pod", _POD, "--wait=true")
        if phase == "Failed":
            raise self._stuck(f"its keys could not be removed: {printed[-1000:]}")
        found = re.search(r"(\d+)\s*$", printed)
        return int(found[1]) if found else 0

    def _kubectl(self, *arguments: str, given: str | None = None) -> str:
        done = subprocess.run(
            [self.place.kubectl, *kubectl_options(self.config), *arguments],
            env=self.place.environ,
            input=given or "",
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise self._stuck(f"`kubectl {' '.join(arguments[:2])}`: {done.stderr.strip()}")
        return done.stdout

    def _stuck(self, why: str) -> RehearsalError:
        return RehearsalError(
            what=f"{self.name} is not taken down yet",
            why=why,
            mend="mend what it names, then run the same command again: it goes on from there",
            where=f"namespace {self.name}",
        )


def forgetting_pod(config: FleetConfig) -> Manifest:
    """The pod that removes a preview's keys; network policies take it for the janitor."""
    command = ["python", "-c", Path(forget.__file__).read_text()]
    main = container(config, "forget", command, _RESOURCES)
    main["env"].append({"name": "FLEET_FORGOTTEN", "value": config.broker.key_prefix})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(_POD, config.namespace, "janitor"),
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "restartPolicy": "Never",
            "containers": [main],
            "securityContext": restricted_pod(),
            "terminationGracePeriodSeconds": _GRACE_S,
            "volumes": volumes(config),
        },
    }


def _phase(pod: Object | None) -> str:
    return str(((pod or {}).get("status") or {}).get("phase") or "")
