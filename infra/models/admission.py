"""What the cluster's API server is asked to keep out of the fleet's namespace."""

from infra.models.base import Spec
from infra.models.image import ImageReference


class AdmissionSpec(Spec):
    """Rules that hold for whoever makes pods there, beside Pod Security `restricted`."""

    images: bool = True
    """Whether pods with the fleet's labels or logins may run its images only. It takes Kubernetes
    1.30, and the right to make cluster-wide admission policies."""
    also_images: tuple[ImageReference, ...] = ()
    """Further images that such pods may run, letter by letter: the release before this one, or one
    with tools for `kubectl debug`."""
