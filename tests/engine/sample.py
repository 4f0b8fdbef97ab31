"""The program most tests of the plugins run; its parts can be exchanged one by one."""

TEMPLATE = """
import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.apiextensions.v1 import CustomResourceDefinition
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import ConfigMap, Namespace, Secret, Service

namespace = Namespace("namespace", metadata={{"name": "{namespace}"}})
labels = {{"app": "worker"}}


def meta(name, **more):
    return {{"name": name, "namespace": namespace.metadata["name"], **more}}


settings = ConfigMap("settings", metadata=meta("settings"), data={{"level": "{level}"}})
token = Secret("token", metadata=meta("token"), string_data={{"token": "{password}"}})
worker = Deployment(
    "worker",
    metadata=meta("{worker}", annotations={{"pulumi.com/skipAwait": "true"}}),
    spec={{
        "selector": {{"matchLabels": labels}},
        "template": {{
            "metadata": {{"labels": labels}},
            "spec": {{
                "terminationGracePeriodSeconds": {grace},
                "containers": [
                    {{
                        "name": "worker",
                        "image": "worker:{image}",
                        "resources": {{"requests": {{"cpu": "1000m", "memory": "1024Mi"}}}},
                        "env": [{{"name": "SETTINGS", "value": settings.metadata["name"]}}],
                    }}
                ],
            }},
        }},
    }},
)
service = Service(
    "service",
    metadata=meta("api"),
    spec={{"selector": labels, "ports": [{{"port": 80, "targetPort": 8000}}]}},
)
definition = CustomResourceDefinition(
    "definition",
    metadata={{"name": "widgets.{namespace}.example.org"}},
    spec={{
        "group": "{namespace}.example.org",
        "scope": "Namespaced",
        "names": {{"plural": "widgets", "kind": "Widget"}},
        "versions": [
            {{
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {{
                    "openAPIV3Schema": {{
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                    }}
                }},
            }}
        ],
    }},
)
widget = CustomResource(
    "widget",
    api_version="{namespace}.example.org/v1",
    kind="Widget",
    metadata=meta("widget", annotations={{"pulumi.com/deletionPropagationPolicy": "background"}}),
    spec={{"size": 3, "ratio": 0.5}},
    opts=pulumi.ResourceOptions(depends_on=[definition]),
)
pulumi.export("worker", worker.metadata["name"])
pulumi.export("token", token.string_data["token"])
{more}
"""

DEFAULTS = {
    "level": "info",
    "password": "hunter2",
    "worker": "worker",
    "image": "1",
    "grace": "30",
    "more": "",
}


def program(namespace: str, **parts: str) -> str:
    """The program in a namespace of its own, with some parts other than usual."""
    return TEMPLATE.format(namespace=namespace, **(DEFAULTS | parts))
