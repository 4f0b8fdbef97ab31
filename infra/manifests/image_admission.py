"""What keeps other images out of pods that bear the fleet's labels or read its Secrets.

The list of images stands in the policy itself: whoever may change objects of the namespace alone
cannot change it. A ReplicaSet is judged when it is made, and the pods that the cluster's own
controller makes of it are not judged again: while a new image is rolled out the old ReplicaSet's
pods are still replaced and scaled, and `kubectl rollout undo` finds what it goes back to.
"""

import json
from collections.abc import Mapping, Sequence

from infra import names
from infra.manifests import Manifest
from infra.manifests.container import image
from infra.manifests.labels import COMPONENT_LABEL, WORKER_LABEL, labels
from infra.manifests.redis_exporter import redis_exporter_image
from infra.models.fleet import FleetConfig

# Who makes the pods of ReplicaSets: each controller under an account of its own, as managed
# clusters and kubeadm's run them, or all under one.
_REPLICA_SET_CONTROLLERS = (
    "system:serviceaccount:kube-system:replicaset-controller",
    "system:kube-controller-manager",
)
# What an object had already is not judged again: an annotation of an old pod may change.
_KNOWN = "i in variables.allowed || i in variables.had"
_LOGINS = f"^({names.BROKER}(-.*)?|{names.API_TOKEN})$"


def fleet_images(config: FleetConfig) -> list[str]:
    """References of the images of workers, beat, janitor and API, as `container.image` has them."""
    gpus = {worker.resources.gpu for worker in config.workers.values()}
    return sorted({image(config, gpu) for gpu in {0, *gpus}})


def image_policy(config: FleetConfig, images: Sequence[str]) -> Manifest:
    """Spec of the ValidatingAdmissionPolicy, for these references of the fleet's images."""
    also = config.admission.also_images
    by_component = {}
    if config.monitoring.redis_exporter:
        by_component[names.REDIS_EXPORTER] = [redis_exporter_image(config), *also]
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": config.namespace}},
            "resourceRules": [
                _rule("", "pods", "pods/ephemeralcontainers"),
                _rule("apps", "replicasets"),
            ],
        },
        "matchConditions": [{"name": "of-no-judged-replica-set", "expression": _not_of_judged()}],
        "variables": _variables(config, _allowed([*images, *also], by_component)),
        "validations": [
            {
                "expression": f"!variables.ours || variables.images.all(i, {_KNOWN})",
                "message": "a pod with the fleet's labels or logins may run its images only",
                "messageExpression": (
                    "'a pod with the labels or logins of fleet "
                    f"{config.namespace} may run its images only: '"
                    f" + variables.images.filter(i, !({_KNOWN})).join(', ')"
                    " + ' is none of ' + variables.allowed.join(', ')"
                ),
            }
        ],
    }


def image_binding(config: FleetConfig) -> Manifest:
    """Spec of the ValidatingAdmissionPolicyBinding."""
    return {"policyName": names.images(config.namespace), "validationActions": ["Deny"]}


def _rule(group: str, *resources: str) -> Manifest:
    return {
        "apiGroups": [group],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": list(resources),
    }


def _not_of_judged() -> str:
    """Other than a pod that the cluster itself makes of a ReplicaSet; others can say so, too."""
    by = ", ".join(f"'{user}'" for user in _REPLICA_SET_CONTROLLERS)
    owned = "o.apiVersion == 'apps/v1' && o.kind == 'ReplicaSet' && o.?controller.orValue(false)"
    return (
        "!(request.operation == 'CREATE' && request.resource.resource == 'pods' "
        f"&& request.userInfo.username in [{by}] "
        f"&& object.metadata.?ownerReferences.orValue([]).exists(o, {owned}))"
    )


def _variables(config: FleetConfig, allowed: str) -> list[Manifest]:
    """What is judged of the pod, or pod template, that is to be, and of the one that was."""
    was = "variables.before"
    expressions = {
        "pod": _pod("object"),
        "containers": _containers("variables.pod"),
        "images": _images("variables.containers"),
        "component": _label("variables.pod", COMPONENT_LABEL),
        "ours": _ours("variables.pod", "variables.containers", config.namespace),
        "before": f"request.operation == 'UPDATE' ? {_pod('oldObject')} : dyn(null)",
        "containersBefore": f"{was} == null ? [] : {_containers(was)}",
        "had": (
            f"{was} != null && {_label(was, COMPONENT_LABEL)} == variables.component "
            f"&& ({_ours(was, 'variables.containersBefore', config.namespace)})"
            f" ? {_images('variables.containersBefore')} : []"
        ),
        "allowed": allowed,
    }
    return [{"name": name, "expression": text} for name, text in expressions.items()]


def _allowed(images: Sequence[str], by_component: Mapping[str, Sequence[str]]) -> str:
    """The images that a pod may run: its component's own, or the fleet's."""
    own = (
        f"variables.component == '{component}' ? {json.dumps(given)} : "
        for component, given in by_component.items()
    )
    return "".join([*own, json.dumps(images)])


def _pod(of: str) -> str:
    return f"(request.resource.resource == 'pods' ? dyn({of}) : dyn({of}).spec.template)"


def _label(pod: str, name: str) -> str:
    return f"{pod}.metadata.?labels[?'{name}'].orValue('')"


def _containers(pod: str) -> str:
    """Those that start before the others, and those that someone adds to look inside, too."""
    more = (f"{pod}.spec.?{kind}.orValue([])" for kind in ("initContainers", "ephemeralContainers"))
    return " + ".join([f"{pod}.spec.containers", *more])


def _images(containers: str) -> str:
    return f"{containers}.map(c, c.?image.orValue(''))"


def _ours(pod: str, containers: str, namespace: str) -> str:
    """Whether anything would take it for a pod of the fleet, or it reads a login of the fleet."""
    known = labels(namespace, "worker")
    part_of, name, instance = (
        f"{_label(pod, key)} == '{known[key]}'"
        for key in (f"app.kubernetes.io/{part}" for part in ("part-of", "name", "instance"))
    )
    volumes = f"{pod}.spec.?volumes.orValue([])"
    sources, env, whole = "v.?projected.?sources", "c.?env", "c.?envFrom"
    return " || ".join(
        (
            f"{part_of} || {name} && {instance} || {_label(pod, WORKER_LABEL)} != ''",
            f"{volumes}.exists(v, {_login('v.?secret.?secretName')})",
            f"{volumes}.exists(v, {_login('v.?csi.?nodePublishSecretRef.?name')})",
            f"{volumes}.exists(v, {_any(sources, 's', 's.?secret.?name')})",
            f"{containers}.exists(c, {_any(env, 'e', 'e.?valueFrom.?secretKeyRef.?name')})",
            f"{containers}.exists(c, {_any(whole, 'e', 'e.?secretRef.?name')})",
        )
    )


def _any(parts: str, each: str, name: str) -> str:
    return f"{parts}.orValue([]).exists({each}, {_login(name)})"


def _login(name: str) -> str:
    """Whether a name is of a Secret with a login of the fleet."""
    return f"{name}.orValue('').matches('{_LOGINS}')"
