"""Contents that run code where somebody loads them, or become huge where somebody unpacks them."""

import base64
import bz2
import json
import lzma
import pickle
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

BOMB_BYTES = 300 * 1024 * 1024


@dataclass(frozen=True)
class _Touch:
    """Touches a file when it is unpickled."""

    path: str

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (Path(self.path),)


def as_json(told: object) -> bytes:
    """Write a message as it lies in a list."""
    return json.dumps(told).encode()


def pickled(marker: Path, rnd: Random) -> bytes:
    """Return a pickle that touches the marker if it is ever loaded."""
    touch = _Touch(str(marker))
    wrapped = rnd.choice([touch, [[touch], {}, {}], {"args": touch}, [[], {"number": touch}, None]])
    return pickle.dumps(wrapped, protocol=rnd.randrange(6))


def yaml_text(marker: Path) -> bytes:
    """Return YAML that touches the marker where its tags are obeyed."""
    return f'!!python/object/apply:os.system ["touch {marker}"]\n'.encode()


def typed_json(marker: Path, rnd: Random) -> dict[str, Any]:
    """Return an object that kombu's JSON reads as one of its types, or would like to."""
    value: Any = rnd.choice(
        [5, None, [], {}, "x", {"hex": "zz"}, {"int": 10**40}, f"{marker}", "9" * 999, {"hex": 5}]
    )
    kinds = ("uuid", "datetime", "date", "time", "decimal", "bytes", "base64", "os.system", None)
    return {"__type__": rnd.choice([*kinds, ["uuid"], {}, 7]), "__value__": value}


@lru_cache
def bomb(kind: str) -> bytes:
    """Return a body that unpacks to hundreds of MiB; layers of zeros, made a piece at a time."""
    packers: dict[str, Callable[[], Any]] = {
        "zlib": lambda: zlib.compressobj(9),
        "bzip2": lambda: bz2.BZ2Compressor(1),
        "lzma": lambda: lzma.LZMACompressor(preset=0),
    }
    packer, piece = packers[kind](), b"[" * (1024 * 1024)
    packed = [packer.compress(piece) for _ in range(BOMB_BYTES // len(piece))]
    return b"".join([*packed, packer.flush()])


def encoded(data: bytes) -> str:
    """Return a body as kombu writes it into an envelope."""
    return base64.b64encode(data).decode()


def body_of(*told: object) -> str:
    """Return a body of JSON."""
    return encoded(json.dumps(told).encode())
