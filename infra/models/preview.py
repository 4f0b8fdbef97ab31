"""Which branch a preview is of, and how long it may stay."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from infra.models.base import Spec

StackName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,100}$")]
"""As Pulumi takes it, without organisation and project."""
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{7,64}$")]


class PreviewSpec(Spec):
    """What `fleet preview up` writes into a preview's stack file, and nobody else."""

    base: StackName
    """The stack whose cluster and broker the preview uses; of the same project."""
    branch: str = Field(min_length=1)
    commit: Commit | None = None
    """What the branch was at; unknown where the checkout does not have it."""
    created_at: AwareDatetime
    expires_at: AwareDatetime
    """From then on `fleet preview reap` takes it down; every `up` moves it."""
    branch_seen_at: AwareDatetime | None = None
    """When `up` last found the branch at the remote, or in a checkout without one. `reap` takes it
    down once that branch is gone; without this, by time alone."""
    training: bool = False
    """Whether it has the base's workers on GPUs; it keeps them until it is brought up without."""
