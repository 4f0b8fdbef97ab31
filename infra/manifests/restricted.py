"""What Pod Security `restricted` asks of a pod and of its containers, and a little more."""

from infra.manifests import Manifest

_USER = 10001


def restricted_container() -> Manifest:
    """Security context of a container."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


def restricted_pod() -> Manifest:
    """Security context of a pod."""
    return {
        "runAsNonRoot": True,
        "runAsUser": _USER,
        "runAsGroup": _USER,
        "fsGroup": _USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
