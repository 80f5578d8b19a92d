"""The PAC's reply: read once a form, mended if need be, and strict about what a number looks like."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html.entities import name2codepoint

from monitor.pac.envelope import Fault, NotSoap, NotXml, collect
from monitor.value import value

MAX_BYTES = 64 * 1024  # the caller's limit: a real reply is under 1 KiB
MAX_DIGITS = 12  # of a number of stamps

_PLAIN = re.compile(rb">([0-9]{1,%d})<" % MAX_DIGITS)
_STATUS = re.compile(r"\+?0*([1-9][0-9]{2})")  # an xs:int
_DECLARES = re.compile(rb"\xef\xbb\xbf|\xff\xfe|\xfe\xff|\s*<\?xml[^>]*\sencoding\s*=")
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_BARE = re.compile(r"&(?!#?[A-Za-z0-9]{1,32};)")  # of an RFC that was not escaped
_KEPT = {"amp", "lt", "gt", "quot"}  # those of XML


@value(frozen=True, slots=True)
class Reply:
    """The fields of `return`, as stripped text; nil and blank ones are empty."""

    fields: dict[str, str]

    @property
    def status(self) -> str:
        """`100`–`999`, or `other` if there is none or it is no such number."""
        status = self.fields.get("status", "")
        if len(status) == 3 and _is_plain(status) and status[0] != "0":
            return status
        match = _STATUS.fullmatch(status)
        return match[1] if match else "other"

    @property
    def message(self) -> str:
        """As the PAC wrote it."""
        return self.fields.get("mensaje", "")

    def number(self, name: str) -> int | None:
        """Whole stamps, or `None` if the field is absent or anything but plain digits."""
        text = self.fields.get(name, "")
        return int(text) if len(text) <= MAX_DIGITS and _is_plain(text) else None


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


def read(body: bytes, charset: str | None = None) -> Reply | Fault:
    """Read a whole reply of at most `MAX_BYTES`. Raises `NotSoap`, nothing else.

    `charset` counts if the XML declares none. One that is unknown or wrong does no harm.
    """
    if charset is not None and not _DECLARES.match(body[:200].replace(b"\0", b"")):
        return parse(body, charset)
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


def parse(body: bytes, charset: str | None = None) -> Reply | Fault:
    """The same as `read`, of a reply of any form. A `charset` counts for more than a declaration."""
    for encoding in dict.fromkeys((charset, None)):
        try:
            return _reply(collect(body, encoding))
        except NotXml:
            continue
    return _reply(collect(_mended(body), "utf-8"))


def _reply(found: dict[str, str] | Fault) -> Reply | Fault:
    return found if isinstance(found, Fault) else Reply(found)


def _mended(body: bytes) -> bytes:
    """In UTF-8, whatever is declared, from the first character on, without the entities of HTML and with
    every `&` escaped.
    """
    text = decoded(body).lstrip(" \t\r\n\ufeff")
    text = _BARE.sub("&amp;", text)
    return _ENTITY.sub(lambda match: _character(match[1]) or match[0], text).encode()


def _character(entity: str) -> str | None:
    return chr(name2codepoint[entity]) if entity in name2codepoint and entity not in _KEPT else None


def decoded(body: bytes) -> str:
    """The text of bytes that declare no encoding, or a wrong one. Nothing fails."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace")
    if b"\0" in body[:2]:
        return body.decode("utf-16-be" if body.startswith(b"\0") else "utf-16-le", "replace")
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def _is_plain(text: str) -> bool:
    """Digits only: `int` also takes 1_000, +5 and Arabic digits."""
    return text.isascii() and text.isdecimal()
