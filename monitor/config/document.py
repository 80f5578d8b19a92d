"""The configuration file as plain data that knows where each value stands."""

from dataclasses import dataclass, field
from typing import Any

from monitor.config.fault import Fault
from monitor.config.scalar import Odd

KeyPath = tuple[str | int, ...]
Place = tuple[int, int]


@dataclass(slots=True)
class Document:
    """A configuration file, and what was found wrong with it and with the files that it names.

    `data` is made of dict, list, str, int, float, bool and `Odd`. `complete` is false if the
    reading stopped early, so that what is missing in `data` may stand further down. At the places
    in `refused` an anchor, say, was found, and `data` holds nothing to judge.
    """

    file: str
    data: object = None
    complete: bool = False
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    values: dict[KeyPath, Place] = field(default_factory=dict, repr=False)
    keys: dict[KeyPath, Place] = field(default_factory=dict, repr=False)
    refused: set[Place] = field(default_factory=set, repr=False)

    def place(self, path: KeyPath) -> Place:
        """Line and column of the value at `path`, or of the nearest that holds it."""
        while path not in self.values and path:
            path = path[:-1]
        return self.values.get(path, (1, 1))

    def is_empty(self, path: KeyPath) -> bool:
        """Whether the value at `path` is YAML's null."""
        found: Any = self.data
        for part in path:
            found = found[part]
        return found is None or (isinstance(found, Odd) and found.empty)

    def refuse(self, place: Place, message: str) -> None:
        self.refused.add(place)
        self.faults.append(Fault(self.file, *place, message))

    def fault(self, path: KeyPath, message: str) -> None:
        self.faults.append(Fault(self.file, *self.place(path), message))

    def warn(self, path: KeyPath, message: str) -> None:
        self.warnings.append(Fault(self.file, *self.place(path), message))


def decode(raw: bytes) -> tuple[str, Place | None]:
    """The text of a UTF-8 file, with or without BOM, and the place of the first byte that is not UTF-8."""
    try:
        return raw.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode()  # `object` is without the BOM, as `start` is
    return "", end_of(before)


def end_of(text: str) -> Place:
    return text.count("\n") + 1, len(text) - text.rfind("\n")
