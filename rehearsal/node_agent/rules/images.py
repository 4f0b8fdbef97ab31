"""Which local environment stands in for a container image."""

from collections.abc import Sequence

from rehearsal.spec import ImageSpec


def repository_of(image: str) -> str:
    """The image's name without digest and tag; a registry's port is no tag."""
    name = image.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(":")[0]


def image_of(images: Sequence[ImageSpec], image: str) -> ImageSpec | None:
    repository = repository_of(image)
    return next((spec for spec in images if spec.repository == repository), None)


def unknown_image(images: Sequence[ImageSpec], image: str) -> str:
    known = ", ".join(sorted(spec.repository for spec in images)) or "none"
    return f'image "{image}" cannot run on this stand-in node; it knows: {known}'
