"""Keeps what was made, by region, kind and key; and says no in AWS's own words."""

import copy
import threading
from collections.abc import Callable

from moto.core.exceptions import ServiceException

Record = dict[str, object]


class Refusal(ServiceException):
    """An error that moto serializes as the service would."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)


class Store:
    """Records of every region; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._records: dict[tuple[str, str], dict[str, Record]] = {}

    def clear(self) -> None:
        with self._lock:
            self._records.clear()

    def add(self, region: str, kind: str, key: str, record: Record, exists: Refusal) -> Record:
        """Keep a new record; `exists` is raised where there is one."""
        with self._lock:
            table = self._records.setdefault((region, kind), {})
            if key in table:
                raise exists
            table[key] = record
            return copy.deepcopy(record)

    def get(self, region: str, kind: str, key: str) -> Record | None:
        with self._lock:
            return copy.deepcopy(self._records.get((region, kind), {}).get(key))

    def all(self, region: str, kind: str) -> list[Record]:
        with self._lock:
            return copy.deepcopy(list(self._records.get((region, kind), {}).values()))

    def change(
        self, region: str, kind: str, key: str, change: Callable[[Record], object]
    ) -> Record:
        """Change a record that there is."""
        with self._lock:
            record = self._records[region, kind][key]
            change(record)
            return copy.deepcopy(record)

    def drop(self, region: str, kind: str, key: str) -> Record | None:
        with self._lock:
            return self._records.get((region, kind), {}).pop(key, None)

    def by_arn(self, region: str, arn: str, change: Callable[[Record], object]) -> bool:
        """Change the record with that ARN; whether there is one."""
        with self._lock:
            for (where, _), table in self._records.items():
                for record in table.values():
                    if where == region and arn in record.values():
                        change(record)
                        return True
        return False


STORE = Store()
"""Of this process: AWS's state lives and ends with it."""
