"""The worker image: given by reference, given in two flavours, or built and pushed."""

import re
from typing import Annotated, Self

from pydantic import Discriminator, Field, Tag, model_validator

from infra.models.base import Spec

BASE_PYTHON = "3.11.14"
"""Of the Dockerfile's base; a base for GPUs has one that takes the same pins."""
_REFERENCE = r"^[a-z0-9][a-z0-9./_-]*(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$"
_TAG = re.compile(r":(?P<revision>[\w.-]+)-(?P<flavour>cpu|gpu)(@|$)")

ImageReference = Annotated[str, Field(pattern=_REFERENCE)]


class ImageBuild(Spec):
    """Built from this project's Dockerfile and pushed to the stack's own repository."""

    revision: str = Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z_.-]{0,99}$")
    """The commit or release that both flavours are built of; part of their tags, which never
    move: another content needs another revision."""
    gpu_base_image: ImageReference | None = None
    """Python with CUDA in place of the Dockerfile's base; without one, one image serves all."""


class ImageSource(Spec):
    """Two flavours of one commit, or a build of them."""

    cpu: ImageReference | None = None
    gpu: ImageReference | None = None
    """For workers on GPU nodes; `cpu` serves everything else."""
    build: ImageBuild | None = None

    @model_validator(mode="after")
    def _one_commit(self) -> Self:
        if (self.build is None) == (self.cpu is None) or bool(self.cpu) != bool(self.gpu):
            raise ValueError("state build, or cpu and gpu together")
        if self.cpu and self.gpu:
            _check_flavours(self.cpu, self.gpu)
        return self


def _kind(value: object) -> str:
    return "reference" if isinstance(value, str) else "source"


WorkerImage = Annotated[
    Annotated[ImageReference, Tag("reference")] | Annotated[ImageSource, Tag("source")],
    Discriminator(_kind),
]


def _check_flavours(cpu: str, gpu: str) -> None:
    """Two flavours of different commits run two versions of one task."""
    found = {}
    for flavour, reference in (("cpu", cpu), ("gpu", gpu)):
        tag = _TAG.search(reference)
        if tag is None or tag["flavour"] != flavour:
            raise ValueError(
                f"{flavour} is {reference!r}; its tag must be <commit>-{flavour}, which shows "
                "that both flavours are of one commit"
            )
        found[flavour] = tag["revision"]
    if found["cpu"] != found["gpu"]:
        raise ValueError(
            f"cpu is of commit {found['cpu']}, gpu of {found['gpu']}: one fleet would run two "
            "versions of its tasks"
        )
