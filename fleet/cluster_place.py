"""Which cluster a stack's commands look at: the rehearsal's, or one that a kubeconfig names."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from fleet import kubernetes
from fleet.kubernetes import Cluster
from fleet.port_forward import PortForward
from infra import names
from infra.models.cluster import ExistingCluster
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError
from rehearsal.plugins.kubernetes_provider.kubeconfig import context_names

VARIABLE = "KUBECONFIG"


@dataclass(frozen=True)
class ClusterElsewhere:
    """A cluster that is not of this machine, by the one context that the stack file allows."""

    kubeconfig: str
    """One path or several, as in KUBECONFIG."""
    stack: str
    config: FleetConfig

    def connect(self) -> Cluster:
        """Sign in as the context's user; nothing is sent to the cluster yet."""
        return kubernetes.connect(self.kubeconfig, self.context(), away=self._away)

    def forward(self) -> PortForward:
        """The way to the fleet's HTTP API, whose pods have no address out here."""
        # A preview may have no Service; any pod of the API will do.
        way = f"deployment/{names.API}"
        arguments = ["--context", self.context(), "--namespace", self.config.namespace]
        variables: Mapping[str, str] = os.environ | {VARIABLE: self.kubeconfig}
        return PortForward([*arguments, "port-forward", way, ":http"], variables)

    def context(self) -> str:
        """The context's name.

        Raises:
            RehearsalError: where no context is of the stack's cluster; another one is never used.

        """
        wanted = self._wanted()
        there = context_names({VARIABLE: self.kubeconfig})
        found = next((name for name in there if wanted.fullmatch(name)), None)
        if found is not None:
            return found
        raise RehearsalError(
            what=f"the kubeconfig has no context of stack {self.stack}'s cluster",
            why=f"wanted is {self._name()}; there are: {', '.join(there) or 'none'}",
            mend=self._how(),
            where=self.kubeconfig,
        )

    def _name(self) -> str:
        cluster = self.config.cluster
        return cluster.context if isinstance(cluster, ExistingCluster) else self._eks_name()

    def _eks_name(self) -> str:
        return self.config.cluster_name or self.config.namespace

    def _wanted(self) -> re.Pattern[str]:
        name = re.escape(self._name())
        if isinstance(self.config.cluster, ExistingCluster):
            return re.compile(name)
        # As the stack's own output names it, or `aws eks update-kubeconfig`.
        region = re.escape(self.config.region or "")
        return re.compile(rf"(arn:aws[a-z-]*:eks:{region}:\d+:cluster/)?{name}")

    def _how(self) -> str:
        if isinstance(self.config.cluster, ExistingCluster):
            return "name one that has it: --kubeconfig FILE, or KUBECONFIG"
        output = f"pulumi stack output kubeconfig --show-secrets -s {self.stack}"
        return f"make one, and name it by --kubeconfig or KUBECONFIG: {output} > FILE"

    def _away(self, where: object, why: str) -> RehearsalError:
        return RehearsalError(
            what=f"the cluster of stack {self.stack} does not answer",
            why=why,
            mend="see whether kubectl reaches it; one inside a VPC answers only there",
            where=str(where),
        )
