"""The pod that removes a preview's keys: started, waited for, and told of where it cannot run.

It runs the base's image: that of a branch may not be there, by a slip in `--image` or because a
registry let it go, and nothing else of the branch's is wanted here.
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fleet import fleet_state
from fleet.kubernetes import Cluster, Object
from fleet.previews import forget
from fleet.previews.kubectl import Kubectl, stuck
from infra import names
from infra.manifests import Manifest
from infra.manifests.container import container, volumes
from infra.manifests.data import VOLUME
from infra.manifests.labels import metadata
from infra.manifests.restricted import restricted_pod
from infra.models.fleet import FleetConfig
from infra.models.worker import Compute, Resources
from rehearsal.errors import RehearsalError

POD = "forget-keys"
_RESOURCES = Resources(
    requests=Compute(cpu="25m", memory="64Mi"), limits=Compute(cpu="250m", memory="128Mi")
)
GRACE_S = 2
"""What still runs in a preview is thrown away; its pods need not wait for it."""
_LIMIT_S = 120.0
# API servers read that a policy's binding is gone within a second; there may be several.
_LET_IN_LIMIT_S = 30.0
_POLL_S = 0.2
_TOLD_CHARACTERS = 1000
_HOPELESS = re.compile(
    # No later look by the node tells another (Kubernetes, pkg/kubelet/images/types.go).
    r"^(InvalidImageName|ErrImageNeverPull)\b"
    # As containerd and CRI-O tell a registry's answer; anything else may pass.
    r"|^(ErrImagePull|ImagePullBackOff)\b.*(not found|manifest unknown|does not exist)"
    r"|^CreateContainerConfigError\b.*(not found|couldn't find key)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Forgetting:
    """The keys of one preview, whose processes have ended."""

    kubectl: Kubectl
    cluster: Cluster

    def run(self, image: str | None, report: Callable[[str], None]) -> int:
        """Remove them by a pod of this image, else of the preview's own; return how many.

        Raises:
            RehearsalError: the pod cannot run, or the broker does not let it.

        """
        self._start(forgetting_pod(self._config, image), report)
        phase = self._ended(report)
        printed = self.kubectl.run("logs", POD).strip()
        self.kubectl.run("delete", "pod", POD, "--wait=false")
        if phase == "Failed":
            raise self._stay(f"its keys could not be removed: {printed[-_TOLD_CHARACTERS:]}")
        found = re.search(r"(\d+)\s*$", printed)
        return int(found[1]) if found else 0

    @property
    def _config(self) -> FleetConfig:
        return self.kubectl.config

    def _start(self, pod: Manifest, report: Callable[[str], None]) -> None:
        """Past the preview's own image policy, which may know none but the branch's images.

        It goes a moment sooner than everything else does: whoever could make use of that may make
        pods here, and then needs no other image to read the logins.
        """
        if self._let_in(pod):
            return
        report("its image policy goes first: it does not know the base's image")
        binding = ("validatingadmissionpolicybindings", names.images(self._config.namespace))
        self.kubectl.run("delete", *binding, "--ignore-not-found", "--wait=false")
        deadline = time.monotonic() + _LET_IN_LIMIT_S
        while not self._let_in(pod):
            if time.monotonic() > deadline:
                raise self._stay(f"policy {binding[1]} refuses pod {POD}, though it is not bound")
            time.sleep(_POLL_S)

    def _let_in(self, pod: Manifest) -> bool:
        """Make the pod; False where the preview's own image policy refuses it."""
        try:
            self.kubectl.run("create", "-f", "-", given=json.dumps(pod))
        except RehearsalError as error:
            if names.images(self._config.namespace) in error.why:
                return False
            raise
        return True

    def _ended(self, report: Callable[[str], None]) -> str:
        path = f"/api/v1/namespaces/{self._config.namespace}/pods/{POD}"
        deadline = time.monotonic() + _LIMIT_S
        while (phase := _phase(self.cluster.get(path))) not in {"Succeeded", "Failed"}:
            trouble = self._trouble()
            state = trouble or phase or "gone"
            report(f"removing its keys from the broker: the pod is {state}")
            if trouble and _HOPELESS.search(trouble):
                raise self._stay(f"pod {POD} cannot run: {trouble}")
            if time.monotonic() > deadline:
                raise self._stay(f"pod {POD} has not ended in {_LIMIT_S:.0f} s: it is {state}")
            time.sleep(_POLL_S)
        return phase

    def _trouble(self) -> str | None:
        troubles = fleet_state.troubled_pods(self.cluster, self._config.namespace)
        return next((each.reason for each in troubles if each.pod == POD), None)

    def _stay(self, why: str) -> RehearsalError:
        marks = self._config.preview
        base = f" --base {marks.base}" if marks else ""
        without = f"fleet preview down {self._config.namespace}{base} --leave-keys"
        return stuck(
            self._config,
            why,
            "mend what it names, then run the same command again: it goes on from there "
            "(a login of the base's that was rotated is read anew by `fleet preview up`); where "
            f"that broker is gone, and the keys with it: {without}",
        )


def forgetting_pod(config: FleetConfig, image: str | None = None) -> Manifest:
    """The pod that removes a preview's keys; network policies take it for the janitor.

    It has no claim: one that is never bound would keep it waiting.
    """
    command = ["python", "-c", Path(forget.__file__).read_text()]
    main = container(config, "forget", command, _RESOURCES)
    main["env"].append({"name": "FLEET_FORGOTTEN", "value": config.broker.key_prefix})
    others = (each for each in volumes(config) if each["name"] != VOLUME)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(POD, config.namespace, "janitor"),
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "restartPolicy": "Never",
            "containers": [main | {"image": image or main["image"]}],
            "securityContext": restricted_pod(),
            "terminationGracePeriodSeconds": GRACE_S,
            "volumes": [*others, {"name": VOLUME, "emptyDir": {}}],
        },
    }


def _phase(pod: Object | None) -> str:
    return str(((pod or {}).get("status") or {}).get("phase") or "")
