"""Says which resource types the stand-in leaves to the official plugin."""

from rehearsal.errors import RehearsalError
from rehearsal.plugins.kubernetes_provider.objects import kind_of_type

# Modules whose resources are no Kubernetes objects.
FOREIGN_MODULES = {
    "helm.sh/v3": "Helm charts",
    "helm.sh/v4": "Helm charts",
    "kustomize/v2": "kustomizations",
    "yaml": "YAML files",
    "yaml/v2": "YAML files",
}


def refuse_unsupported(type_token: str, stated_kind: str = "") -> None:
    """Raise for a type that is not one Kubernetes object.

    Args:
        type_token: the Pulumi type, kubernetes:apps/v1:Deployment.
        stated_kind: the manifest's `kind`; a Patch type states the kind it patches.

    """
    _, module, name = type_token.split(":")
    if module in FOREIGN_MODULES:
        _refuse(FOREIGN_MODULES[module], type_token)
    if stated_kind and name == f"{stated_kind}Patch":
        _refuse("Patch resources", type_token)
    if name.endswith("List") and kind_of_type(type_token).is_built_in:
        _refuse("List resources", type_token)


def _refuse(what: str, type_token: str) -> None:
    raise RehearsalError(
        f"the stand-in for pulumi-resource-kubernetes knows no {what}",
        f"the program uses {type_token}",
        "install the official Kubernetes plugin, or declare the objects one by one",
    )
