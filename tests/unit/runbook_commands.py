"""The commands of the alerts' runbooks, and where each of them can be tried."""

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from tests.unit.recorder import ROOT

FOLDER = ROOT / "docs" / "runbooks"
_BLOCK = re.compile(r"^( *)```console\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_PAUSE = "autoscaling.keda.sh/paused"

# The pages' names, and what stands for them in the rehearsal.
IN_REHEARSAL = {
    "-s prod": "-s whole",
    "imagineer-prod": "celery-fleet-whole",
}

READS = (
    "fleet campaign list",
    "fleet dead list",
    "fleet dead show",
    "fleet plan",
    "fleet status",
    "kubectl describe",
    "kubectl get",
    "kubectl logs",
    "kubectl rollout history",
)
"""Beginnings of commands that change nothing."""

MENDS = (
    "kubectl scale -n imagineer-prod deployment/beat --replicas=1",
    "kubectl rollout restart -n imagineer-prod deployment/beat",
    "kubectl rollout restart -n imagineer-prod deployment/janitor",
    "kubectl rollout restart -n imagineer-prod deployment/worker-scraping",
    "kubectl rollout undo -n imagineer-prod deployment/worker-scraping",
    "kubectl scale -n imagineer-prod deployment/worker-scraping --replicas=1",
    "fleet dead replay scraping TASK_ID -s prod",
    "fleet dead replay scraping --all -s prod",
    "fleet dead discard scraping TASK_ID -s prod",
    "fleet campaign stop training -s prod",
    f"kubectl annotate scaledobject worker-scraping -n imagineer-prod {_PAUSE}- {_PAUSE}-replicas-",
    "pulumi config set --path workers.labeling.maxReplicaCount 12 -s prod",
    "pulumi config set --path workers.labeling.minReplicaCount 2 -s prod",
    "pulumi config set --path workers.scraping.maxReplicaCount 12 -s prod",
    "pulumi config set --path workers.scraping.resources.limits.memory 3Gi -s prod",
    "pulumi config set --path workers.training.minReplicaCount 0 -s prod",
    "pulumi config set --path nodeGroups.gpu.maxNodes 4 -s prod",
    "pulumi refresh -s prod",
    "pulumi up -s prod",
)
"""Commands that change what is there, in the order in which they are tried."""

ELSEWHERE: Mapping[str, str] = {
    "aws ": "needs an account; its words are held against the AWS SDK's own description",
    "fleet doctor --aws": "needs an account; tried against a stand-in of AWS",
    "pulumi config set --path broker.": "the rehearsal's broker is of kind existing; the key is "
    "held against the model",
    "kubectl logs -n kube-system deployment/cluster-autoscaler": "a stand-in adds the nodes, as a "
    "process",
    "kubectl logs -n keda ": "the rehearsal runs KEDA as a process, not as a Deployment",
    "kubectl rollout restart -n keda ": "the rehearsal runs KEDA as a process",
    "kubectl get servicemonitor": "the rehearsal has no Helm releases, and so no such kind",
    "kubectl logs -n imagineer-prod deployment/worker-scraping --previous": "asks for a container "
    "that ended; there is none in a fleet that is well",
}
"""Beginnings of commands that cannot run in the rehearsal, with the reason."""


@dataclass(frozen=True)
class Command:
    """One command as a page prints it, and the pages that do."""

    printed: str
    pages: tuple[str, ...]

    @property
    def place(self) -> str | None:
        """Name of the table that it is in; None where it is in none."""
        if any(self.printed.startswith(each) for each in ELSEWHERE):
            return "elsewhere"
        if self.printed in MENDS:
            return "mends"
        return "reads" if self.printed.startswith(READS) else None

    def rehearsed(self, task_id: str = "TASK_ID") -> str:
        """The command with the rehearsal's names."""
        text = self.printed.replace("TASK_ID", task_id)
        for name, ours in IN_REHEARSAL.items():
            text = text.replace(name, ours)
        return text


def commands() -> tuple[Command, ...]:
    """Every command of the alerts' pages, each once."""
    found: dict[str, list[str]] = {}
    for page in sorted(FOLDER.glob("[A-Z]*.md")):
        for _, block in _BLOCK.findall(page.read_text()):
            for line in textwrap.dedent(block).replace("\\\n", " ").splitlines():
                if line.startswith("$ "):
                    found.setdefault(line.removeprefix("$ "), []).append(page.stem)
    return tuple(Command(printed, tuple(pages)) for printed, pages in found.items())
