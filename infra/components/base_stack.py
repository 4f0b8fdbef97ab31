"""The stack that a preview lives beside, read anew by every `up`."""

import pulumi
from pulumi import Output, StackReference

from infra.models.base_contract import base_contract


def require_base(stack: str) -> None:
    """End the run where the base is gone, or speaks another version than this program reads."""
    whole = f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
    told: Output[object] = StackReference("base", stack_name=whole).get_output("base")
    told.apply(lambda output: _checked(stack, output))


def _checked(stack: str, output: object) -> None:
    try:
        base_contract(stack, output)
    except ValueError as error:
        raise pulumi.RunError(str(error)) from error
