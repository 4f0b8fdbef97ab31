"""The one type of the provider: an image that would be built from a context."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override

from rehearsal.errors import RehearsalError
from rehearsal.plugins.docker_build_provider import dockerfile, ignoring
from rehearsal.plugins.known import Known
from rehearsal.plugins.stand_in.kind import Catalogue, Kind, Properties, Resource
from rehearsal.plugins.stand_in.rules import Rules, words
from rehearsal.plugins.values import Unknown, holds

TOKEN = "docker-build:index:Image"  # noqa: S105 - a type's name
# What the image's contents depend on, besides the context.
CONTENTS = ("buildArgs", "labels", "platforms", "target", "dockerfile", "addHosts", "network")
PLATFORMS = frozenset({"linux/amd64", "linux/arm64"})
"""What the rehearsal's machines could run; a typing error is found."""


@dataclass(frozen=True)
class Build:
    """A build as its inputs describe it."""

    context: Path
    file: Path | None
    text: str
    """Of the Dockerfile."""
    sent: list[str]
    """Paths of the context that the builder would get."""


class Image(Kind):
    """An image: checked, given a digest of all that goes into it, and not built."""

    token = TOKEN
    rules = Rules(
        words("context dockerfile buildArgs target platforms tags labels push load addHosts")
        | words("buildOnPreview builder cacheFrom cacheTo exec exports network noCache pull")
        | words("ignoreSecretsInDiffCalculation registries secrets ssh contextHash"),
        silent=words("buildOnPreview ignoreSecretsInDiffCalculation"),
    )
    computed = words("digest ref")

    @override
    def completed(self, inputs: Properties) -> Properties:
        """Add the context's digest, so that changed files are a change of the image."""
        if holds({key: inputs.get(key) for key in ("context", "dockerfile")}, Unknown):
            return inputs
        try:
            build = _build(inputs)
        except (OSError, _UnusableError):
            return inputs
        return inputs | {"contextHash": _content_digest(build)}

    @override
    def problems(self, inputs: Properties) -> Mapping[str, str]:
        if holds({key: inputs.get(key) for key in ("context", "dockerfile")}, Unknown):
            return {}
        try:
            return _problems(_build(inputs), inputs)
        except _UnusableError as error:
            return {error.property: str(error)}

    @override
    def create(self, resource: Resource) -> Known:
        resource.log.note(resource.urn, "stand-in: the image is checked and named, not built")
        digest = f"sha256:{_image_digest(resource.inputs)}"
        tags = resource.inputs.get("tags")
        first = str(tags[0]) if isinstance(tags, list) and tags else resource.name
        state = resource.inputs | {"digest": digest, "ref": f"{first}@{digest}"}
        return Known(digest.removeprefix("sha256:"), state, resource.inputs)

    @override
    def read(self, resource: Resource) -> Known | None:
        return Known(resource.id, resource.old_state, resource.inputs)

    @override
    def update(self, resource: Resource) -> Known:
        return self.create(resource)

    @override
    def delete(self, resource: Resource) -> None:
        del resource


class DockerBuildCatalogue(Catalogue):
    """The types known here: one."""

    @override
    def configure(self, variables: Mapping[str, str]) -> None:
        del variables

    @override
    def kind(self, token: str) -> Kind:
        if token == TOKEN:
            return Image()
        raise RehearsalError(
            f"the stand-in for pulumi-resource-docker-build knows no {token}",
            f"it knows {TOKEN}",
            "install the official docker-build plugin",
        )


class _UnusableError(Exception):
    """An input that no build could start from."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(why)
        self.property = name


def _build(inputs: Properties) -> Build:
    context = _mapping(inputs.get("context"))
    root = Path(str(context.get("location") or "."))
    if not root.is_dir():
        raise _UnusableError("context", f"{root.absolute()} is no folder")
    stated = _mapping(inputs.get("dockerfile"))
    if inline := stated.get("inline"):
        return Build(root, None, str(inline), _sent(root, None))
    location = stated.get("location")
    file = Path(str(location)) if location else root / "Dockerfile"
    if not file.is_file():
        raise _UnusableError("dockerfile", f"{file.absolute()} does not exist")
    return Build(root, file, file.read_text(), _sent(root, file))


def _sent(root: Path, file: Path | None) -> list[str]:
    """The context's files; a Dockerfile's own ignore file goes before the folder's."""
    own = file.with_name(f"{file.name}.dockerignore") if file else None
    chosen = own if own and own.is_file() else root / ".dockerignore"
    text = chosen.read_text() if chosen.is_file() else ""
    return list(ignoring.files(root, ignoring.patterns(text)))


def _problems(build: Build, inputs: Properties) -> dict[str, str]:
    try:
        read = dockerfile.parsed(build.text)
    except dockerfile.DockerfileError as error:
        return {"dockerfile": f"{build.file or 'inline'}: {error}"}
    found = {}
    target = str(inputs.get("target") or "").lower()
    if target and target not in read.stages:
        found["target"] = f"the Dockerfile has no stage {target}"
    surplus = _mapping(inputs.get("buildArgs")).keys() - read.arguments - dockerfile.PREDEFINED
    if surplus:
        found["buildArgs"] = f"the Dockerfile declares no ARG {', '.join(sorted(surplus))}"
    missing = dockerfile.missing_sources(read, set(build.sent), build.context)
    if missing:
        found["context"] = f"it does not hold what the Dockerfile copies: {', '.join(missing)}"
    platforms = inputs.get("platforms")
    unknown = set(platforms) - PLATFORMS if isinstance(platforms, list) else set()
    if unknown and not holds(platforms, Unknown):
        found["platforms"] = f"not one of {', '.join(sorted(PLATFORMS))}: {sorted(unknown)}"
    if inputs.get("push") and not inputs.get("tags"):
        found["tags"] = "an image that is pushed needs a tag"
    return found


def _content_digest(build: Build) -> str:
    digest = hashlib.sha256(build.text.encode())
    for path in build.sent:
        file = build.context / path
        content = str(file.readlink()).encode() if file.is_symlink() else file.read_bytes()
        digest.update(f"\0{path}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _image_digest(inputs: Properties) -> str:
    named = {name: inputs.get(name) for name in (*CONTENTS, "contextHash")}
    return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()


def _mapping(value: object) -> Properties:
    return value if isinstance(value, dict) else {}
