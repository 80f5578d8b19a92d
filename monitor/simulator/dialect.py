"""Faults that are none: other stacks, encodings and habits of HTTP servers say the same as the plain reply.

Each takes the reply that would have been sent and returns what is sent in its place. A good reader gives
the same numbers for both, and knows a refusal for what it is.
"""

import gzip
from base64 import encodebytes
from html.entities import codepoint2name
from xml.sax.saxutils import quoteattr

from aiohttp import web

from monitor.simulator.envelope import SOAP11, XSI, Reply
from monitor.simulator.forced import XML, xml
from monitor.simulator.spoiled import Spoil

_ENCODED = "http://schemas.xmlsoap.org/soap/encoding/"
_BOUNDARY = "MIMEBoundary_7f3a"
_NUMBERS = ("contratados", "disponibles", "status", "usados")


def _coded(body: bytes, coding: str) -> web.Response:
    return web.Response(body=body, headers=XML | {"Content-Encoding": coding})


def _as(kind: str, body: bytes) -> web.Response:
    return web.Response(body=body, headers={"Content-Type": kind})


def _undeclared(reply: Reply) -> str:
    return reply.xml().replace(" encoding='UTF-8'", "")


def _entities(reply: Reply) -> str:
    message = reply.get("mensaje")
    return reply.but(
        mensaje="".join(f"&{codepoint2name[ord(c)]};" if ord(c) > 127 else c for c in message)
    ).xml()


def _axis1(reply: Reply) -> str:
    fields = "".join(
        f'<{name} xsi:nil="true"/>'
        if content is None
        else f'<{name} xsi:type="xsd:{"int" if name in _NUMBERS else "string"}">{content}</{name}>'
        for name, content in reply.fields
    )
    name = f"{reply.operation}Return"
    return _encoded(reply, f'<{name} xsi:type="ns2:ResponseTimbres">{fields}</{name}>')


def _multiref(reply: Reply) -> str:
    """Axis 1 with boxed integers: what is not a string stands by itself, after all that refers to it."""
    fields, parts = "", ""
    for number, (name, content) in enumerate(reply.fields, 1):
        if content is None:
            fields += f'<{name} xsi:nil="true"/>'
        elif name in _NUMBERS:
            fields += f'<{name} href="#id{number}"/>'
            parts += f'<multiRef id="id{number}" xsi:type="xsd:int" xmlns:e="{_ENCODED}">{content}</multiRef>'
        else:
            fields += f'<{name} xsi:type="xsd:string">{content}</{name}>'
    whole = f'<multiRef id="id0" xsi:type="ns2:ResponseTimbres">{fields}</multiRef>'
    return _encoded(reply, f'<{reply.operation}Return href="#id0"/>', whole + parts)


def _encoded(reply: Reply, result: str, parts: str = "") -> str:
    name = f"ns1:{reply.operation}Response"
    return (
        f'<?xml version="1.0" encoding="utf-8"?><soapenv:Envelope xmlns:soapenv="{SOAP11}" xmlns:xsi="{XSI}"'
        f' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:ns2={quoteattr(reply.namespace + "/xsd")}>'
        "<soapenv:Body>"
        f'<{name} soapenv:encodingStyle="{_ENCODED}" xmlns:ns1={quoteattr(reply.namespace)}>{result}</{name}>'
        f"{parts}</soapenv:Body></soapenv:Envelope>"
    )


def _dotnet(reply: Reply) -> str:
    fields = "".join(
        f'<{name} xsi:nil="true" />' if content is None else f"<{name}>{content}</{name}>"
        for name, content in reply.fields
    )
    name = reply.operation
    return (
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{SOAP11}" xmlns:xsi="{XSI}">'
        f"<soap:Body><{name}Response xmlns={quoteattr(reply.namespace)}><{name}Result>{fields}</{name}Result>"
        f"</{name}Response></soap:Body></soap:Envelope>"
    )


def _mtom(reply: Reply) -> web.Response:
    return _related(_root("binary", reply.xml().encode()), _attachment())


def _mtom_base64(reply: Reply) -> web.Response:
    """The root part is not the first, and in base64."""
    return _related(_attachment(), _root("base64", encodebytes(reply.xml().encode())))


def _root(encoding: str, content: bytes) -> bytes:
    return _part("0.root", 'application/xop+xml; charset=UTF-8; type="text/xml"', encoding, content)


def _attachment() -> bytes:
    return _part("1.more", "application/octet-stream", "binary", bytes(range(256)))


def _part(name: str, kind: str, encoding: str, content: bytes) -> bytes:
    head = (
        f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\nContent-ID: <{name}@pac.example>"
    )
    return f"--{_BOUNDARY}\r\n{head}\r\n\r\n".encode() + content + b"\r\n"


def _related(*parts: bytes) -> web.Response:
    kind = (
        f'multipart/related; boundary={_BOUNDARY}; type="application/xop+xml"; start="<0.root@pac.example>"; '
        'start-info="text/xml"'
    )
    return _as(kind, b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode())


DIALECTS: dict[str, tuple[str, Spoil]] = {
    "gzip_ok": (
        "valid: compressed with gzip, though nobody asked",
        lambda r: _coded(gzip.compress(r.xml().encode()), "gzip"),
    ),
    "encoding_utf8": (
        "valid: Content-Encoding: utf-8, which is no compression",
        lambda r: _coded(r.xml().encode(), "utf-8"),
    ),
    "latin1_undeclared": (
        "valid: ISO-8859-1 that calls itself UTF-8",
        lambda r: _as("text/xml; charset=UTF-8", r.xml().encode("iso-8859-1")),
    ),
    "charset_header": (
        "valid: ISO-8859-1, which only the HTTP header tells",
        lambda r: _as("text/xml; charset=ISO-8859-1", _undeclared(r).encode("iso-8859-1")),
    ),
    "utf16_undeclared": (
        "valid: UTF-16 without byte order mark that calls itself UTF-8",
        lambda r: _as("text/xml", r.xml().encode("utf-16-le")),
    ),
    "space_before": ("valid: white space before the XML declaration", lambda r: f"\r\n \n{r.xml()}"),
    "entities": ("valid: entities of HTML in mensaje", _entities),
    "axis1": ("valid: as Axis 1 writes it: getTimbresReturn, with types", _axis1),
    "axis1_multiref": ("valid: as Axis 1 writes it, with multiRef", _multiref),
    "dotnet": ("valid: as .NET writes it: getTimbresResult", _dotnet),
    "mtom": ("valid: the root part of a multipart (MTOM)", _mtom),
    "mtom_base64": ("valid: the second part of a multipart, in base64", _mtom_base64),
    "zero_status": (
        "valid: status with a leading zero",
        lambda r: r.but(status=f"0{r.get('status')}").xml(),
    ),
    "plus_status": (
        "valid: status with a sign and blanks",
        lambda r: r.but(status=f" +{r.get('status')} ").xml(),
    ),
    "http_400_soap": ("valid: under HTTP 400", lambda r: xml(r.xml(), 400)),
}
