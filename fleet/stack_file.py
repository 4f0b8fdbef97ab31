"""The stack file `Pulumi.<stack>.yaml`: made from a template, refreshed while nobody edited it."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fleet.files import write_atomically
from fleet.project import PROJECT_NAME, Project
from rehearsal.errors import RehearsalError

TOKEN_KEY = f"{PROJECT_NAME}:apiToken"
PROVIDER_KEY = "secretsprovider"
_SALT_KEY = "encryptionsalt"
PROVIDER_KEYS = (_SALT_KEY, PROVIDER_KEY, "encryptedkey")
"""What opens a file's secrets: a passphrase's salt, or a cloud's key and what it encrypted."""
_BY_PASSPHRASE = frozenset({"", "default", "passphrase"})
_SECRETS = re.compile(rf"^{_SALT_KEY}:.*\n|^( +){TOKEN_KEY}:\n\1 +secure:.*\n", flags=re.MULTILINE)
_TEMPLATES = {"local": "imagineer"}
"""Template by stack name, where it is not the stack's own name."""


@dataclass(frozen=True)
class StackFile:
    """A stack file that is there, and what was done about it in one line."""

    path: Path
    note: str


@dataclass(frozen=True)
class _Record:
    """What a generated file was made from, so that an edit by hand can be told."""

    template: str
    content: str


def ensure(project: Project, stack: str) -> StackFile:
    """Make the stack file from its template, or bring an unedited one up to date.

    Raises:
        RehearsalError: where there is neither file nor template.

    """
    path, template = project.stack_file(stack), template_of(project, stack)
    if not path.is_file():
        if not template.is_file():
            raise _unknown_stack(project, stack)
        return _generate(project, stack, f"made from stacks/{template.name}")
    if not template.is_file():
        return StackFile(path, "yours")
    return _bring_up_to_date(project, stack, path, template)


def template_of(project: Project, stack: str) -> Path:
    """Path of the template of a stack, whether there is one or not."""
    return project.root / "stacks" / f"{_TEMPLATES.get(stack, stack)}.yaml"


def readable(project: Project, stack: str) -> Path:
    """Path of the stack's own file; where it has none yet, of the template it would be made from.

    Raises:
        RehearsalError: where there is neither.

    """
    for path in (project.stack_file(stack), template_of(project, stack)):
        if path.is_file():
            return path
    raise _unknown_stack(project, stack)


def content_hash(text: str) -> str | None:
    """Hash of what a stack file says, without what Pulumi and `fleet up` add to it.

    Comments and layout do not count: Pulumi rewrites both. None where the YAML is broken.
    """
    document = _parsed(text)
    if document is None:
        return None
    document.pop(_SALT_KEY, None)
    config = document.get("config")
    if isinstance(config, dict):
        config.pop(TOKEN_KEY, None)
    return _hash(json.dumps(document, sort_keys=True, default=str))


def drop_secrets(path: Path) -> None:
    """Remove what a lost passphrase encrypted, so that a new one can take its place.

    Raises:
        RehearsalError: where the file holds a secret that this project did not make itself.

    """
    document = _parsed(path.read_text()) if path.is_file() else None
    if document is None or _SALT_KEY not in document:
        return
    foreign = [key for key in _secret_keys(document) if key != TOKEN_KEY]
    if foreign:
        raise RehearsalError(
            what=f"{path.name} holds secrets that cannot be read: {', '.join(foreign)}",
            why="the passphrase that encrypted them is gone with the state folder",
            mend=f"set PULUMI_CONFIG_PASSPHRASE to it, or remove these keys and {_SALT_KEY}",
            where=path,
        )
    kept = {key: value for key, value in document.items() if key != _SALT_KEY}
    kept["config"] = {k: v for k, v in (kept.get("config") or {}).items() if k != TOKEN_KEY}
    text = _SECRETS.sub("", path.read_text())
    # Pulumi writes both in block style; any other way of writing costs the file its comments.
    write_atomically(path, text if _parsed(text) == kept else yaml.safe_dump(kept, sort_keys=False))


def drop_every_secret(path: Path) -> None:
    """Leave a copy with no secret, whatever closed it, and nothing that asks for its key."""
    document = _parsed(path.read_text()) or {}
    kept = {key: value for key, value in document.items() if key not in PROVIDER_KEYS}
    secret = _secret_keys(document)
    kept["config"] = {k: v for k, v in (kept.get("config") or {}).items() if k not in secret}
    write_atomically(path, yaml.safe_dump(kept, sort_keys=False))


def secrets_provider(path: Path) -> str | None:
    """Return the cloud's key that opens a stack's secrets; None where it is the backend's own way.

    That is a passphrase, or Pulumi Cloud.
    """
    return provider_of((_parsed(path.read_text()) if path.is_file() else None) or {})


def provider_of(document: Mapping[str, object]) -> str | None:
    """Return the same of a stack file's content."""
    named = str(document.get(PROVIDER_KEY) or "")
    return None if named in _BY_PASSPHRASE else named


def is_secret_set(path: Path) -> bool:
    """Whether the API's token is there, encrypted."""
    document = _parsed(path.read_text()) or {}
    return TOKEN_KEY in _secret_keys(document)


def _bring_up_to_date(project: Project, stack: str, path: Path, template: Path) -> StackFile:
    record, now = _read_record(project, stack), content_hash(path.read_text())
    offered = template.read_text()
    if record is None:
        if now == content_hash(offered):
            _write_record(project, stack, offered)
            return StackFile(path, f"as stacks/{template.name}")
        return StackFile(path, f"edited by hand, differs from stacks/{template.name}")
    if record.template == _hash(offered):
        return StackFile(path, "edited by hand" if now != record.content else "unchanged")
    if now != record.content:
        note = f"edited by hand, so kept, though stacks/{template.name} has changed since"
        return StackFile(path, note)
    return _generate(project, stack, f"refreshed from stacks/{template.name}")


def _generate(project: Project, stack: str, note: str) -> StackFile:
    path, template = project.stack_file(stack), template_of(project, stack).read_text()
    old = _parsed(path.read_text()) if path.is_file() else None
    write_atomically(path, _at_root(_with_secrets(template, old or {})))
    _write_record(project, stack, template)
    return StackFile(path, note)


def _at_root(template: str) -> str:
    """Let the editors' line lead to the schema from where the copy lies."""
    return template.replace("$schema=../infra/", "$schema=infra/", 1)


def _with_secrets(template: str, old: dict[str, Any]) -> str:
    """Put the old file's salt and token into the template's text, comments kept."""
    token = (old.get("config") or {}).get(TOKEN_KEY)
    if token is not None:
        entry = yaml.safe_dump({"config": {TOKEN_KEY: token}}, indent=2).removeprefix("config:\n")
        template = template.replace("\nconfig:\n", f"\nconfig:\n{entry}", 1)
    if _SALT_KEY in old:
        template += f"{_SALT_KEY}: {old[_SALT_KEY]}\n"
    return template


def _secret_keys(document: dict[str, Any]) -> list[str]:
    config = document.get("config") or {}
    return [str(k) for k, v in config.items() if isinstance(v, dict) and set(v) == {"secure"}]


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    return document if isinstance(document, dict) else None


def _record_file(project: Project, stack: str) -> Path:
    return project.state / "stack-files" / f"{stack}.json"


def _read_record(project: Project, stack: str) -> _Record | None:
    path = _record_file(project, stack)
    return _Record(**json.loads(path.read_text())) if path.is_file() else None


def _write_record(project: Project, stack: str, template: str) -> None:
    path = _record_file(project, stack)
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {"template": _hash(template), "content": content_hash(template)}
    write_atomically(path, json.dumps(record))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _unknown_stack(project: Project, stack: str) -> RehearsalError:
    offered = {path.stem for path in (project.root / "stacks").glob("*.yaml")}
    offered |= _TEMPLATES.keys()
    return RehearsalError(
        what=f"stack {stack!r} has no stack file",
        why=f"neither Pulumi.{stack}.yaml nor stacks/{stack}.yaml exists",
        mend=f"use one of {', '.join(sorted(offered))}, or write Pulumi.{stack}.yaml",
        where=project.stack_file(stack),
    )
