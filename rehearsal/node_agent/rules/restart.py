"""Whether a container that ended runs again."""

from rehearsal.node_agent.model.pod import RestartPolicy


def runs_again(policy: RestartPolicy, exit_code: int, *, init: bool) -> bool:
    """Init containers need to succeed once, so `Always` means `OnFailure` for them."""
    if policy == "Never":
        return False
    if policy == "OnFailure" or init:
        return exit_code != 0
    return True
