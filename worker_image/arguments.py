"""A task's arguments, checked against its signature: by the API before, by the worker after."""

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model


class ArgumentsError(ValueError):
    """Arguments that the task does not take; one line names each and says why."""


def checked(function: Callable[..., Any], kwargs: Mapping[str, object]) -> dict[str, Any]:
    """Return the arguments as the task's annotations want them, without defaults.

    Raises:
        ArgumentsError: an argument is unknown, missing or of the wrong kind.

    """
    try:
        model = arguments_model(function).model_validate(dict(kwargs))
    except ValidationError as error:
        raise ArgumentsError(_told(error)) from None
    return {name: getattr(model, name) for name in model.model_fields_set}


@lru_cache(maxsize=256)
def arguments_model(function: Callable[..., Any]) -> type[BaseModel]:
    """Return what a task takes, as a model with a name of the task's own."""
    fields: dict[str, Any] = {
        parameter.name: (
            parameter.annotation,
            ... if parameter.default is parameter.empty else parameter.default,
        )
        for parameter in inspect.signature(function, eval_str=True).parameters.values()
    }
    config = ConfigDict(extra="forbid", strict=True)
    module = function.__module__.rpartition(".")[2]
    name = f"{module}_{function.__name__}_arguments".title().replace("_", "")
    return create_model(name, __config__=config, **fields)


def _told(error: ValidationError) -> str:
    lines = []
    for detail in error.errors(include_url=False):
        name = ".".join(str(part) for part in detail["loc"])
        reason = {"missing": "is required", "extra_forbidden": "is no argument of this task"}
        lines.append(f"{name}: {reason.get(detail['type'], detail['msg'])}")
    return "; ".join(lines)
