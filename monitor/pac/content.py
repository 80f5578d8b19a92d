"""What an HTTP answer carries: decompressed, of a multipart the root part, and in which charset."""

import codecs
import re
import zlib
from collections.abc import Mapping
from email import message_from_bytes, message_from_string
from email.message import Message
from functools import lru_cache
from typing import Any

from monitor.pac.envelope import Fault, NotSoap
from monitor.pac.reply import MAX_BYTES, Reply, read
from monitor.value import value

MAX_PARTS = 16  # of a multipart: what the parser of mail takes for more grows fast

_GZIP = b"\x1f\x8b"
_CODECS = ("gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress")
_BOUNDARY = re.compile(rb"[\r\n]--")
_CHUNK = 16  # bytes: of a broken stream, what stands before its last ones is kept


@value(frozen=True, slots=True)
class Content:
    """The bytes to read, or, if there is a `flaw`, those before it. `coding` is a compression that was
    announced and not undone.
    """

    body: bytes
    charset: str | None = None
    coding: str = ""
    flaw: NotSoap | None = None

    def read(self) -> Reply | Fault:
        """Raises `NotSoap`."""
        if self.flaw is not None:
            raise self.flaw
        if not self.body:
            raise NotSoap("not a SOAP envelope")
        try:
            return read(self.body, self.charset)
        except NotSoap:
            if self.coding:
                raise NotSoap(f"compressed ({self.coding}), though not asked for") from None
            raise


class TooLarge(NotSoap):
    """More than anybody reads."""

    def __init__(self) -> None:
        super().__init__(f"more than {MAX_BYTES} bytes")


def unpack(body: bytes, headers: Mapping[str, str]) -> Content:
    """The content of a body, of which no more than `MAX_BYTES` and one are looked at."""
    coding = ""
    if len(body) > MAX_BYTES:
        return Content(body, flaw=TooLarge())
    if body.startswith(_GZIP):  # whatever the headers say
        body, flaw = _gunzip(body)
        if flaw is not None:
            return Content(body, flaw=flaw)
    elif announced := headers.get("Content-Encoding"):
        tokens = announced.lower().replace(",", " ").split()
        coding = next((token for token in tokens if token in _CODECS), "")
    kind = headers.get("Content-Type", "")
    is_multipart, charset = _kind(kind)
    if is_multipart:
        body, charset = _root(kind, body)
    return Content(body, charset, coding)


def _gunzip(body: bytes) -> tuple[bytes, NotSoap | None]:
    stream = zlib.decompressobj(wbits=31)
    found = b""
    try:
        for start in range(0, len(body), _CHUNK):
            found += stream.decompress(body[start : start + _CHUNK], MAX_BYTES + 1 - len(found))
            if len(found) > MAX_BYTES:
                return found, TooLarge()
    except zlib.error:
        return found, NotSoap("gzip that is broken")
    return found, None if stream.eof else NotSoap("gzip that is cut short")


@lru_cache(maxsize=32)
def _kind(header: str) -> tuple[bool, str | None]:
    """Whether a content type is a multipart, and its charset; `None` if that is UTF-8 or nobody knows it."""
    message = message_from_string(f"Content-Type: {header}\n\n")
    return message.get_content_maintype() == "multipart", _charset(message)


def _charset(message: Message) -> str | None:
    try:
        name = message.get_content_charset()
        return None if name is None or codecs.lookup(name).name == "utf-8" else name
    except (LookupError, ValueError):
        return None


def _root(header: str, body: bytes) -> tuple[bytes, str | None]:
    """The root part of a multipart and its charset; all of it if it is none after all."""
    if len(_BOUNDARY.findall(body)) > MAX_PARTS:
        return body, None
    whole = message_from_bytes(b"Content-Type: %s\n\n%s" % (header.encode(errors="replace"), body))
    root = _first(whole)
    found = root.get_payload(decode=True)
    return (found, _charset(root)) if root is not whole and isinstance(found, bytes) else (body, None)


def _first(message: Message) -> Message:
    """The part that all others belong to; a message that has none is its own."""
    parts: Any = message.get_payload()
    if not message.is_multipart() or not parts:
        return message
    start = _bare(message.get_param("start", ""))
    return _first(next((part for part in parts if start and _bare(part["Content-ID"]) == start), parts[0]))


def _bare(name: object) -> str:
    return re.sub(r"[<>\s]", "", str(name))
