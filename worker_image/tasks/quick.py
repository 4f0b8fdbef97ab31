"""Small changes that someone waits for."""

import json
from pathlib import Path
from typing import Annotated, TypedDict

from pydantic import Field, JsonValue

from worker_image.storage import alone, data_dir, write_json
from worker_image.tasks.declare import Name, fleet_task

FOLDER = "metadata"

Values = Annotated[dict[str, JsonValue], Field(min_length=1, max_length=1000)]


class Updated(TypedDict):
    """What a metadata file holds now."""

    path: str
    """Within the data folder."""
    keys: int
    changed: list[str]
    """Keys whose values are other ones than before."""


@fleet_task()
def update_metadata(name: Name, values: Values) -> Updated:
    """Put values into a JSON file by key; its other keys stay as they are.

    Updates of one file wait for one another, so none is lost. The last delivery wins: an old one
    that comes again brings back its own values and touches no others.
    """
    path = f"{FOLDER}/{name}.json"
    file = data_dir() / path
    with alone(file):
        known = _read(file, path)
        changed = [key for key, value in values.items() if _differs(known, key, value)]
        merged = known | values
        if changed:
            write_json(file, merged)
    return Updated(path=path, keys=len(merged), changed=sorted(changed))


def _differs(known: dict[str, JsonValue], key: str, value: JsonValue) -> bool:
    # As text: in Python 1, 1.0 and true are equal, in JSON they are not.
    return key not in known or json.dumps(known[key]) != json.dumps(value)


def _read(file: Path, path: str) -> dict[str, JsonValue]:
    if not file.exists():
        return {}
    known = json.loads(file.read_bytes())
    if not isinstance(known, dict):
        raise TypeError(f"{path} holds no JSON object")
    return known
