"""YAML into plain data, in one pass over its events and without a tree.

Anchors, aliases, merge keys and tags are refused before anything could be expanded, and every
fault is kept so that all are reported at once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import yaml

from monitor.config.document import Document, KeyPath, Place, decode, end_of
from monitor.config.scalar import Odd, plain

DEEPEST = 16

ANCHOR = 'an unquoted & starts a YAML anchor, and anchors are not allowed; quote it: "&..."'
ALIAS = 'an unquoted * starts a YAML alias, and aliases are not allowed; quote it: "*..."'
TAG = 'an unquoted ! starts a YAML tag, and tags are not allowed; quote it: "!..."'

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PROBLEMS = {
    "while scanning an anchor": ANCHOR,
    "while scanning an alias": ALIAS,
    "while scanning a tag": TAG,
}


def parse(file: str, raw: bytes) -> Document:
    """Read `raw`, the bytes of `file`. Raises nothing: what is wrong is in the document's faults."""
    document = Document(file)
    text, bad = decode(raw)
    if bad is not None:
        document.refuse(bad, "not UTF-8; save the file as UTF-8")
        return document
    if (odd := _UNPRINTABLE.search(text)) is not None:
        place = end_of(text[: odd.start()])
        document.refuse(place, "a control character, which YAML does not allow")
        return document
    try:
        document.complete = _Walk(document).run(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        # The words are libyaml's own, fixed ones; only the snippet beside them would quote the file.
        problem = _PROBLEMS.get(str(error.context)) or f"not valid YAML: {error.problem}"
        line, column = place = _start(error.problem_mark or error.context_mark)
        if text.splitlines()[line - 1 : line] and text.splitlines()[line - 1][column - 1 : column] == "\t":
            problem = "a tab, which YAML does not take: indent with blanks"
        document.refuse(place, problem)
    except yaml.YAMLError:
        document.refuse((1, 1), "not valid YAML")
    return document


class _Mark(Protocol):
    """A place in YAML's count, which begins at 0; each of its two parsers has a class of its own."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


def _start(mark: _Mark | None) -> Place:
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


@dataclass(slots=True)
class _Level:
    """A collection that is being filled. A `path` of None marks one whose key was refused."""

    data: dict[str, object] | list[object]
    path: KeyPath | None
    key: str | None = None
    expects_value: bool = False


class _Walk:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._levels: list[_Level] = []

    def run(self, events: Iterator[yaml.Event]) -> bool:
        """Fill the document; whether its end was reached."""
        begun = False
        for event in events:
            place = _start(event.start_mark)
            match event:
                case yaml.DocumentStartEvent():
                    if begun:
                        self._document.refuse(place, "a second YAML document; only one may be here")
                        return False
                    begun = True
                case yaml.CollectionEndEvent():
                    self._levels.pop()
                case yaml.NodeEvent():
                    if len(self._levels) > DEEPEST:
                        self._document.refuse(place, "nested too deeply")
                        return False
                    self._node(event, place)
        return True

    def _node(self, event: yaml.NodeEvent, place: Place) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._document.refuse(place, ALIAS)
        elif event.anchor is not None:
            self._document.refuse(place, ANCHOR)
        elif getattr(event, "tag", None) is not None:
            self._document.refuse(place, TAG)
        level = self._levels[-1] if self._levels else None
        if level is not None and isinstance(level.data, dict) and not level.expects_value:
            level.expects_value = True
            level.key = self._key(level, event, place)
            if isinstance(event, yaml.CollectionStartEvent):
                self._levels.append(_Level({} if isinstance(event, yaml.MappingStartEvent) else [], None))
            return

        data: object
        if isinstance(event, yaml.MappingStartEvent):
            data = {}
        elif isinstance(event, yaml.SequenceStartEvent):
            data = []
        elif isinstance(event, yaml.ScalarEvent):
            data = plain(event.value) if event.implicit[0] else event.value
        else:
            data = Odd("")
        path = self._put(level, data)
        if path is not None:
            self._document.values[path] = place
        if isinstance(data, dict | list):
            self._levels.append(_Level(data, path))

    def _key(self, level: _Level, event: yaml.NodeEvent, place: Place) -> str | None:
        """The key that `event` is, or None if its value must go nowhere. Messages do not name it:
        `password: {hunter2}` makes a key of a secret.
        """
        if not isinstance(event, yaml.ScalarEvent):
            if not isinstance(event, yaml.AliasEvent):
                self._document.refuse(place, "a key must be text")
            return None
        if event.value == "<<" and event.implicit[0]:
            self._document.refuse(place, "merge keys (<<) are not allowed; write the keys out")
            return None
        if level.path is None:
            return None
        path = (*level.path, event.value)
        if path in self._document.keys:
            first = self._document.keys[path][0]
            self._document.refuse(place, f"duplicate key; the first is on line {first}")
            return None
        self._document.keys[path] = place
        return event.value

    def _put(self, level: _Level | None, data: object) -> KeyPath | None:
        if level is None:
            self._document.data = data
            return ()
        if isinstance(level.data, list):
            level.data.append(data)
            return None if level.path is None else (*level.path, len(level.data) - 1)
        key, level.key, level.expects_value = level.key, None, False
        if key is None or level.path is None:
            return None
        level.data[key] = data
        return (*level.path, key)
