"""The image repository, and the images that this stack builds into it."""

# Annotations that are not run leave whole services of the SDK unread: seconds of every run.
from __future__ import annotations

import pulumi_docker_build as docker_build
from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_aws import ecr

from infra import names
from infra.components.aws.placement import Base, Place
from infra.image_packages import image_packages
from infra.manifests.aws.registry import flavours, lifecycle_policy, tag
from infra.models.image import ImageBuild


class Registry(ComponentResource):
    """A repository whose tags never move, and one image a flavour of one revision.

    Pushing uses the login of Docker on this machine: a password made here would lie in the state.
    """

    def __init__(self, place: Place, build: ImageBuild, base: Base) -> None:
        super().__init__("celery-fleet:aws:Registry", "registry", None, place.opts)
        child = ResourceOptions(parent=self)
        repository = ecr.Repository(
            "worker",
            name=names.repository(place.config.namespace),
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "KMS", "kms_key": base.data_key.arn}],
            # Images can be built again; a stack without protection goes with them.
            force_delete=not place.config.protect,
            opts=child,
        )
        ecr.LifecyclePolicy(
            "worker", repository=repository.name, policy=lifecycle_policy(), opts=child
        )
        self.images: dict[str, Output[str]] = {}
        for flavour, arguments in flavours(place.config, build, image_packages()):
            image = docker_build.Image(
                f"worker-{flavour}",
                tags=[Output.concat(repository.repository_url, ":", tag(build, flavour))],
                opts=child,
                **arguments,
            )
            self.images[flavour] = image.ref
        self.register_outputs({"repository": repository.repository_url})
