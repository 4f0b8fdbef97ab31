"""What keeps other images out of the fleet's pods."""

from pulumi import ComponentResource, Output, Resource, ResourceOptions
from pulumi_kubernetes.admissionregistration.v1 import (
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
)

from infra import names
from infra.components.runtime import Images, reference
from infra.manifests.image_admission import fleet_images, image_binding, image_policy
from infra.manifests.labels import labels
from infra.models.fleet import FleetConfig


class ImageAdmission(ComponentResource):
    """A cluster-wide policy about the fleet's namespace, and its binding.

    `needs` come before every pod of the fleet, so that a new image is known when its pods come.
    """

    def __init__(
        self, config: FleetConfig, images: Images, namespace: Resource, opts: ResourceOptions
    ) -> None:
        super().__init__("celery-fleet:workers:ImageAdmission", "image-admission", None, opts)
        known = Output.all(*(reference(each, images) for each in fleet_images(config)))
        meta = {
            "name": names.images(config.namespace),
            "labels": labels(config.namespace, "worker"),
        }
        policy = ValidatingAdmissionPolicy(
            "images",
            metadata=meta,
            spec=known.apply(lambda found: image_policy(config, found)),
            opts=ResourceOptions(parent=self, depends_on=[namespace]),
        )
        binding = ValidatingAdmissionPolicyBinding(
            "images",
            metadata=meta,
            spec=image_binding(config),
            opts=ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.needs: tuple[Resource, ...] = (policy, binding)
        self.register_outputs({"policy": names.images(config.namespace)})
