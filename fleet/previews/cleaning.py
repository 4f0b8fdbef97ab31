"""What goes before a preview's objects do: its workers at once, then every key of its own.

The keys are removed by a pod in the preview's own namespace, with the preview's own login: it
reaches the broker where this machine does not, and can touch no more than the preview could.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from fleet.kubernetes import Cluster
from fleet.previews.forgetting import GRACE_S, Forgetting
from fleet.previews.kubectl import Kubectl
from fleet.previews.leaving import DEPLOYMENTS, PODS, SCALERS, Leaving
from fleet.previews.place import Place
from infra import names
from infra.models.fleet import FleetConfig

Report = Callable[[str], None]

# KEDA that hangs is started anew by its probes, which alone takes most of a minute.
_GONE_LIMIT_S = 120.0
_NAMESPACE_LIMIT_S = 180.0
_GONE = ("--ignore-not-found", "--wait=false")
_ADMISSION = "admissionregistration.k8s.io"
# What a preview has outside its namespace; a binding goes before its policy.
_CLUSTER_WIDE = ("validatingadmissionpolicybindings", "validatingadmissionpolicies")


@dataclass(frozen=True)
class Cleaning:
    """One preview's namespace, on the way to being taken down; each step may be done again."""

    place: Place
    name: str
    config: FleetConfig
    cluster: Cluster
    image: Callable[[], str | None]
    """Finds one that can be pulled, of the base's; None for the preview's own."""

    def run(self, report: Report, *, leave_keys: bool = False) -> int:
        """End its processes, remove its keys; return how many keys there were.

        Raises:
            RehearsalError: its scalers or pods stay, or its keys cannot be removed.

        """
        if not self._namespace_is_there():
            return 0
        self._end_processes(report)
        # Without a login nothing has ever reached the broker.
        if leave_keys or not self._has_login() or not self._has_settings():
            return 0
        return Forgetting(self._kubectl, self.cluster).run(self.image(), report)

    def remove_unknown(self, report: Report) -> None:
        """Remove what Pulumi has lost sight of, as after a kill in the middle.

        Raises:
            RehearsalError: something in its namespace holds that.

        """
        for kind, name in product(_CLUSTER_WIDE, policies(self.name)):
            if self.cluster.get(f"/apis/{_ADMISSION}/v1/{kind}/{name}") is not None:
                self._kubectl.run("delete", f"{kind}.{_ADMISSION}", name, *_GONE)
        if self._namespace_is_there():
            self._kubectl.run("delete", "namespace", self.name, *_GONE)
            self._leaving.wait_for_namespace(_NAMESPACE_LIMIT_S, report)

    @property
    def _kubectl(self) -> Kubectl:
        return Kubectl(self.place, self.config)

    @property
    def _leaving(self) -> Leaving:
        return Leaving(self.cluster, self.config)

    def _namespace_is_there(self) -> bool:
        return self.cluster.get(f"/api/v1/namespaces/{self.name}") is not None

    def _has_login(self) -> bool:
        return self.cluster.secret(self.name, names.BROKER) is not None

    def _has_settings(self) -> bool:
        path = f"/api/v1/namespaces/{self.name}/configmaps/{names.SETTINGS}"
        return self.cluster.get(path) is not None

    def _end_processes(self, report: Report) -> None:
        """Scalers first: they would start the workers again."""
        for kind in (SCALERS, DEPLOYMENTS):
            # kubectl refuses a kind that the cluster does not know, as without KEDA.
            if self._leaving.there(kind):
                behind = ("--cascade=background", "--wait=false")
                self._kubectl.run("delete", kind.resource, "--all", *behind)
                self._leaving.wait(kind, _GONE_LIMIT_S, report)
        grace = f"--grace-period={GRACE_S}"
        self._kubectl.run("delete", PODS.resource, "--all", grace, "--wait=false")
        self._leaving.wait(PODS, _GONE_LIMIT_S, report)


def policies(name: str) -> tuple[str, str]:
    """Return the names that a preview's cluster-wide policies, and their bindings, may have."""
    return names.own_pod(name), names.images(name)
