"""Reads the provider's own configuration: which cluster, and how to behave."""

import os
from collections.abc import Mapping

from rehearsal.errors import RehearsalError
from rehearsal.plugins.kubernetes_provider.cluster import Behaviour
from rehearsal.plugins.kubernetes_provider.kubeconfig import Choice
from rehearsal.plugins.kubernetes_provider.replacement import Mutability

PREFIX = "kubernetes:config:"
# What the official provider offers and the stand-in does not do, when set to that value.
REFUSED = {"renderYamlToDirectory": None, "enableServerSideApply": "false", "strictMode": "true"}
ENVIRONMENT = {
    "enableConfigMapMutable": "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
    "enableSecretMutable": "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
    "enablePatchForce": "PULUMI_K8S_ENABLE_PATCH_FORCE",
    "upsertExistingObjects": "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
    "enableServerSideApply": "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY",
}


def choice(variables: Mapping[str, str]) -> Choice:
    """Which cluster to talk to; variables are named as the engine sends them."""
    keys = ("kubeconfig", "context", "cluster", "namespace")
    return Choice(*(variables.get(f"{PREFIX}{key}", "") for key in keys))


def behaviour(variables: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> Behaviour:
    """How to behave: by the configuration, else by the environment; a refusal raises."""
    for key, value in REFUSED.items():
        stated = _stated(key, variables, environ)
        if stated and value in (None, stated):
            raise RehearsalError(
                f"kubernetes:{key} is set to {stated}",
                "this stand-in for pulumi-resource-kubernetes does not do that",
                "unset it, or install the official Kubernetes plugin",
            )
    return Behaviour(
        Mutability(
            config_maps=_stated("enableConfigMapMutable", variables, environ) == "true",
            secrets=_stated("enableSecretMutable", variables, environ) == "true",
        ),
        upsert=_stated("upsertExistingObjects", variables, environ) == "true",
        force=_stated("enablePatchForce", variables, environ) == "true",
    )


def _stated(key: str, variables: Mapping[str, str], environ: Mapping[str, str]) -> str:
    return variables.get(f"{PREFIX}{key}") or environ.get(ENVIRONMENT.get(key, ""), "")
