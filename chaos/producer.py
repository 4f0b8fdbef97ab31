"""Publishes what its standard input asks for, one JSON object a line, as an arm's application does.

It answers an empty object once all before it is published or refused. A message is in the ledger
as published once `apply_async` has returned, and not before.
"""

import importlib
import json
import sys
from typing import Any

from chaos import deed
from chaos.ledger import Entry, now


def main(app_name: str) -> None:
    """Read and publish until the input ends."""
    app = importlib.import_module(app_name).app
    app.loader.import_default_modules()
    app.finalize()
    lines = deed.ledger()
    _answer("ready")
    for line in sys.stdin:
        told = json.loads(line)
        if not told:
            _answer("done")
            continue
        entry = Entry(
            **{name: told[name] for name in ("id", "queue", "kind", "episode", "seconds")}
        )
        asked_at, error = now(), None
        try:
            app.send_task(
                told["task"],
                kwargs=_arguments(entry, told["blob_bytes"]),
                task_id=entry.id,
                queue=told["to"],
                countdown=told["countdown_s"],
            )
        except Exception as failed:  # noqa: BLE001 - whatever it is, the message was refused
            error = f"{type(failed).__name__}: {failed}"[:200]
        lines.published(entry, asked_at, error)


def _answer(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def _arguments(entry: Entry, blob_bytes: int) -> dict[str, Any]:
    plain = {"kind": entry.kind, "seconds": entry.seconds}
    return plain | {"blob": "x" * blob_bytes} if blob_bytes else plain


if __name__ == "__main__":
    main(sys.argv[1])
