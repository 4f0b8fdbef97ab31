"""Reads the configuration; nothing else in the program does.

Two doors to one model: `load` inside the engine, `load_file` for a stack file alone.
"""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.runtime.config import CONFIG
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from infra.models.fleet import FleetConfig

PROJECT = "celery-fleet"
REGION_KEY = "aws:region"
API_TOKEN_KEY = "apiToken"  # noqa: S105 - the key's name
# Keys above a setting: `workers`, and the worker's name.
_PART_DEPTH = 2
_SCALARS = frozenset({"tier", "namespace", "profile"})
# What tells two kinds of one part from each other; no key of the file.
_KINDS = frozenset({"existing", "eks", "elasticache", "guest", "new", "reference", "source"})


class ConfigError(Exception):
    """A stack file that is refused, every problem on a line: file, key, value, reason."""


def load(stack: str) -> FleetConfig:
    """Read the running stack's configuration.

    Raises:
        ConfigError: naming each wrong key, before any resource exists.

    """
    # `pulumi.Config` cannot list its keys, so a misspelt one would be ignored.
    given = {key: value for key, value in CONFIG.get().items() if key.startswith(f"{PROJECT}:")}
    raw = {key.split(":", 1)[1]: _parsed(key, value) for key, value in given.items()}
    if not raw.pop(API_TOKEN_KEY, None):
        raise ConfigError(
            f"Pulumi.{stack}.yaml: {API_TOKEN_KEY} is missing: the HTTP API would be open. "
            f"Set it: pulumi config set --secret {API_TOKEN_KEY} <token>"
        )
    return validated(raw, f"Pulumi.{stack}.yaml", CONFIG.get().get(REGION_KEY))


def api_token() -> pulumi.Output[str]:
    """The HTTP API's bearer token, a secret."""
    return pulumi.Config(PROJECT).require_secret(API_TOKEN_KEY)


def load_file(path: Path) -> FleetConfig:
    """Read a stack file without the engine; secrets are left out.

    Raises:
        ConfigError: naming each wrong key, or the line where the YAML is broken.

    """
    keys = _keys(path)
    return validated(_own(keys), path.name, keys.get(REGION_KEY))


def raw_keys(path: Path) -> Mapping[str, Any]:
    """A stack file's own keys as they are written, without the project's name; secrets left out.

    Raises:
        ConfigError: it cannot be read.

    """
    return _own(_keys(path))


def _keys(path: Path) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path.name}: cannot be read: {error}") from error
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict):
        raise ConfigError(f"{path.name}: config is missing: a stack file states its fleet there")
    return {str(key): value for key, value in config.items()}


def _own(keys: Mapping[str, Any]) -> dict[str, Any]:
    found = {k.split(":", 1)[1]: v for k, v in keys.items() if k.startswith(f"{PROJECT}:")}
    found.pop(API_TOKEN_KEY, None)
    return found


def _parsed(key: str, value: str) -> Any:  # noqa: ANN401 - unvalidated input
    if key.split(":", 1)[1] in _SCALARS:
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def validated(raw: Mapping[str, Any], file: str, region: object = None) -> FleetConfig:
    """A stack file's own keys, checked; `file` is how an error calls it.

    Raises:
        ConfigError: naming each wrong key.

    """
    if raw.get("region"):
        raise ConfigError(f"{file}: region is not a known key; the provider's own is {REGION_KEY}")
    stated = {**raw, "region": region}
    try:
        return FleetConfig.model_validate(stated)
    except ValidationError as error:
        found = error.errors(include_url=False)
        told = [_told(problem) for problem in [*found, *_disagreements(stated, found)]]
        lines = [f"{file}: {line}" for lines in told for line in lines.splitlines()]
        raise ConfigError("\n".join(lines)) from error


def _disagreements(raw: Mapping[str, Any], found: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """What the other parts disagree about, told in the same breath as the wrong entries.

    None where a wrong entry cannot be left out without making new problems.
    """
    rest = deepcopy(dict(raw))
    if not all(_left_out(rest, problem["loc"]) for problem in found):
        return []
    try:
        FleetConfig.model_validate(rest)
    except ValidationError as error:
        left = error.errors(include_url=False)
        return [] if any(problem["loc"] for problem in left) else left
    return []


def _left_out(raw: dict[str, Any], where: Sequence[int | str]) -> bool:
    """Drop one setting of a queue, worker or other named part; False where it is more or less."""
    *path, last = where or [""]
    place: Any = raw
    for part in path:
        place = place.get(part) if isinstance(place, dict) else None
    if len(path) < _PART_DEPTH or last == "queues" or not isinstance(place, dict):
        return False
    return place.pop(last, None) is not None


def _told(problem: ErrorDetails) -> str:
    """One problem in the file's own words: key, value, reason."""
    parts = [part for at, part in enumerate(problem["loc"]) if at != 1 or part not in _KINDS]
    key = ".".join(str(part) for part in parts if part != "[key]")
    key = REGION_KEY if key == "region" else key
    message = problem["msg"].removeprefix("Value error, ")
    match problem["type"]:
        case "extra_forbidden":
            return f"{key} is not a known key; is it misspelt?"
        case "missing":
            return f"{key} is missing"
        case "union_tag_not_found":
            return f"{key}.kind is missing"
        case "union_tag_invalid":
            context = problem.get("ctx", {})
            return f"{key}.kind is {context.get('tag')!r}, not {context.get('expected_tags')}"
        case "value_error":
            return f"{key}: {message}" if key else message
        case _:
            return f"{key} is {problem['input']!r}: {message}"
