"""Writes what each part of the project is made of as CycloneDX, from the lock files alone.

Named are Python's packages and the image's base by digest. What Debian has put into that base is
not: a scanner of the built image tells it.
"""

import os
import sys
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from supply.bases import base_of_image
from supply.locks import Pin, SupplyError, read
from worker_image.sbom import locked

IMAGE_PYTHON = "3.11.14"
"""The base's Python, whose markers decide which pins the image holds."""
_SCHEMA = SchemaVersion.V1_6
_PROJECT = "celery-fleet"


@dataclass(frozen=True)
class Part:
    """One thing that is installed as a whole."""

    name: str
    locks: tuple[str, ...]
    is_image: bool = False


PARTS = (
    Part("product", ("requirements.txt",)),
    Part("policy", ("policy/requirements.txt",)),
    Part("worker-cpu", ("worker_image/requirements.txt",), is_image=True),
    Part(
        "worker-gpu",
        ("worker_image/requirements.txt", "worker_image/requirements-gpu.txt"),
        is_image=True,
    ),
)


def pins_of(part: Part) -> tuple[Pin, ...]:
    """Return the pins of a part; of an image, those that count for its Python."""
    pins: dict[tuple[str, ...], Pin] = {}
    for pin in (pin for lock in part.locks for pin in read(lock)):
        key = (pin.name, pin.version)
        pins[key] = _joined(pins[key], pin) if key in pins else pin
    if part.is_image:
        texts = (_text(each) for each in pins.values())
        counted = {tuple(each.split("==")) for each in locked(texts, IMAGE_PYTHON).split()}
        pins = {key: pin for key, pin in pins.items() if key in counted}
    return tuple(pins.values())


def document(part: Part, made: datetime) -> str:
    """Return a part's SBOM as CycloneDX JSON, the same for the same locks and time.

    Raises:
        SupplyError: where it does not fit CycloneDX's schema.

    """
    pins = pins_of(part)
    components = {pin: _component(pin) for pin in pins}
    whole = _whole(part)
    base = [_base()] if part.is_image else []
    bom = Bom(
        # Of the contents, so that two runs make one document.
        serial_number=uuid.uuid5(uuid.NAMESPACE_OID, f"{part.name} {pins} {made}"),
        metadata=BomMetaData(component=whole, timestamp=made),
        components=[*components.values(), *base],
    )
    for each in components.values():
        bom.register_dependency(each, _needed(each.name, components))
    bom.register_dependency(whole, base + [components[pin] for pin in pins if pin.direct])
    text = make_outputter(bom, OutputFormat.JSON, _SCHEMA).output_as_string(indent=2)
    if trouble := JsonStrictValidator(_SCHEMA).validate_str(text):
        raise SupplyError(f"the SBOM of {part.name} does not fit CycloneDX {_SCHEMA}: {trouble}")
    return text + "\n"


def write(folder: Path, made: datetime) -> list[Path]:
    """Write `<part>.cdx.json` of every part."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for part in PARTS:
        files.append(folder / f"{part.name}.cdx.json")
        files[-1].write_text(document(part, made))
    return files


def _component(pin: Pin) -> Component:
    purl = PackageURL("pypi", name=pin.name, version=pin.version)
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=each) for each in pin.hashes]
    published = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION, url=XsUri(str(purl)), hashes=hashes
    )
    marker = [Property(name=f"{_PROJECT}:marker", value=pin.marker)] if pin.marker else []
    return Component(
        name=pin.name,
        version=pin.version,
        type=ComponentType.LIBRARY,
        bom_ref=str(purl),
        purl=purl,
        external_references=[published],
        properties=marker,
    )


def _base() -> Component:
    base = base_of_image()
    purl = PackageURL(
        "oci", name=base.name, version=f"sha256:{base.sha256}", qualifiers={"tag": base.tag}
    )
    return Component(
        name=base.name,
        version=base.tag,
        type=ComponentType.CONTAINER,
        bom_ref=str(purl),
        purl=purl,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=base.sha256)],
    )


def _whole(part: Part) -> Component:
    kind = ComponentType.CONTAINER if part.is_image else ComponentType.APPLICATION
    name = f"{_PROJECT}-{part.name}"
    return Component(name=name, version=version(_PROJECT), type=kind, bom_ref=name)


def _needed(name: str, components: dict[Pin, Component]) -> Iterable[Component]:
    return [component for pin, component in components.items() if name in pin.asked_by]


def _joined(one: Pin, other: Pin) -> Pin:
    asked_by = one.asked_by | other.asked_by
    return replace(one, asked_by=asked_by, direct=one.direct or other.direct)


def _text(pin: Pin) -> str:
    return f"{pin.name}=={pin.version}" + (f" ; {pin.marker}" if pin.marker else "") + "\n"


def main(arguments: list[str]) -> int:
    """Write the SBOMs into a folder; SOURCE_DATE_EPOCH, in seconds, gives them its time."""
    stated = os.environ.get("SOURCE_DATE_EPOCH")
    made = datetime.fromtimestamp(int(stated), UTC) if stated else datetime.now(UTC)
    for file in write(Path(arguments[0]), made):
        print(file)  # noqa: T201 - what was asked for
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
