"""A strict, bounded reader of the SOAP reply, on the standard library's expat.

Tolerant of what does not matter (namespaces, prefixes, order of fields, encoding), strict about
what does: where a field stands, that it stands there once, and what a number looks like.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn
from xml.parsers import expat

from monitor.value import value

MAX_BYTES = 64 * 1024  # the caller's limit: a real reply is under 1 KiB
MAX_DEPTH = 32
MAX_TEXT = 300  # of a message, in characters: it is shown to people
MAX_DIGITS = 12  # of a number of stamps

_XML_SPACE = " \t\r\n"
_PLAIN = re.compile(rb">([0-9]{1,%d})<" % MAX_DIGITS)
_ODD = "?"  # stands for a field given twice, or with elements inside: never a number


class NotSoap(Exception):
    """The bytes are not a SOAP envelope, or one that nobody should read on."""


@value(frozen=True, slots=True)
class Reply:
    """The fields of `return`, as stripped text; nil and blank ones are empty."""

    fields: dict[str, str]

    @property
    def status(self) -> str:
        """`100`–`999`, or `other` if there is none or it is no such number."""
        status = self.fields.get("status", "")
        return status if len(status) == 3 and _is_plain(status) and status[0] != "0" else "other"

    @property
    def message(self) -> str:
        return legible(self.fields.get("mensaje", ""))

    def number(self, name: str) -> int | None:
        """Whole stamps, or `None` if the field is absent or anything but plain digits."""
        text = self.fields.get(name, "")
        return int(text) if len(text) <= MAX_DIGITS and _is_plain(text) else None


@dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP fault, 1.1 or 1.2."""

    text: str


@dataclass(frozen=True, slots=True)
class Form:
    """What replies that differ in plain numbers only have in common: the fields as text, or as the
    place of a number among all.
    """

    fields: tuple[tuple[str, str | int], ...]

    def fill(self, numbers: Sequence[bytes]) -> Reply:
        return Reply(
            {
                name: numbers[content].decode() if isinstance(content, int) else content
                for name, content in self.fields
            }
        )


def read(body: bytes) -> Reply | Fault:
    """Read a whole reply of at most `MAX_BYTES`. Raises `NotSoap`, nothing else."""
    # Two thirds of what a poll costs beyond aiohttp were the parser's. What stands between `>`
    # and `<` and is all digits has no part in the structure, so a form is parsed once.
    pieces = _PLAIN.split(body)
    form = _form(tuple(pieces[::2]))
    return parse(body) if form is None else form.fill(pieces[1::2])


@lru_cache(maxsize=32)
def _form(between: tuple[bytes, ...]) -> Form | None:
    """The form of what stands between numbers; `None` if it is no reply, or not that simple."""
    # Twice, with other numbers: a text that is one of them by chance, or holds one, differs.
    try:
        one, other = _filled(between, 0), _filled(between, 10**11)
    except NotSoap:
        return None
    return one if one == other else None


def _filled(between: tuple[bytes, ...], first: int) -> Form | None:
    """The form as it seems when the numbers are `first` and those after it."""
    numbers = [b"%012d" % number for number in range(first, first + len(between) - 1)]
    pieces = (b">" + number + b"<" + piece for number, piece in zip(numbers, between[1:], strict=True))
    reply = parse(between[0] + b"".join(pieces))
    if isinstance(reply, Fault):
        return None
    places: dict[str, int] = {number.decode(): place for place, number in enumerate(numbers)}
    return Form(tuple((name, places.get(text, text)) for name, text in reply.fields.items()))


def parse(body: bytes) -> Reply | Fault:
    """The same as `read`, of a reply of any form."""
    collector = _Collector()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.CharacterDataHandler = collector.data
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise NotSoap(f"not XML (line {error.lineno})") from None
    except (LookupError, ValueError):  # an encoding that Python or expat does not know
        raise NotSoap("not XML in a known encoding") from None
    if collector.fault is not None:
        return Fault(legible(collector.fault))
    return Reply(collector.fields)


def legible(text: str) -> str:
    """Foreign text as one short line without control characters."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * MAX_TEXT]).split())
    return words if len(words) <= MAX_TEXT else words[: MAX_TEXT - 1] + "…"


def _refuse_doctype(*_: object) -> NoReturn:
    raise NotSoap("a DOCTYPE, which SOAP forbids")  # before any entity can be expanded


class _Collector:
    """Keeps `Envelope/Body/*/return/FIELD`, and the text of `Envelope/Body/Fault`."""

    __slots__ = ("fault", "fields", "path", "text")

    def __init__(self) -> None:
        self.path: list[str] = []
        self.fields: dict[str, str] = {}
        self.fault: str | None = None
        self.text: str | None = None  # of the element being collected

    def start(self, name: str, attributes: dict[str, str]) -> None:
        path = self.path
        path.append(name.rpartition(":")[2])
        depth = len(path)
        if depth > MAX_DEPTH:
            raise NotSoap("nested too deeply")
        if depth == 1 and path[0] != "Envelope":
            raise NotSoap("not a SOAP envelope")
        if depth < 3 or path[1] != "Body":
            return
        if path[2] == "Fault":
            if depth == 3:
                self.fault = ""
            elif depth == 4 and path[3] in ("faultstring", "Reason"):
                self.text = ""
        elif depth == 5 and path[3] == "return":
            if attributes and _is_nil(attributes):
                self._field(path[4], "")
            else:
                self.text = ""
        elif depth > 5 and path[3] == "return":
            self.text = None
            self.fields[path[4]] = _ODD

    def data(self, text: str) -> None:
        if self.text is not None:
            self.text += text

    def end(self, _name: str) -> None:
        path = self.path
        depth = len(path)
        if self.text is not None:
            if depth == 5 and path[2] != "Fault":
                self._field(path[4], self.text.strip(_XML_SPACE))
                self.text = None
            elif depth == 4 and path[2] == "Fault":
                self.fault = self.text
                self.text = None
        path.pop()

    def _field(self, name: str, text: str) -> None:
        self.fields[name] = _ODD if name in self.fields else text


def _is_plain(text: str) -> bool:
    """Digits only: `int` also takes 1_000, +5 and Arabic digits."""
    return text.isascii() and text.isdecimal()


def _is_nil(attributes: dict[str, str]) -> bool:
    return any(
        name.rpartition(":")[2] == "nil" and value in ("true", "1") for name, value in attributes.items()
    )
