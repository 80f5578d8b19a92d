"""Faults of the answer's form: the PAC does its work, login included, then says it in an odd way.

Each takes the reply that would have been sent and returns what is sent in its place. Those of
`VALID` say the same as that reply, and a good reader gives the same numbers for both.
"""

import random
from collections.abc import Callable

from aiohttp import web

from monitor.simulator.envelope import SOAP11, SOAP12, Reply
from monitor.simulator.forced import SOAP12_XML, XML, page

#: More than a good reader reads, in bytes.
MUCH = 2 * 1024 * 1024

Spoil = Callable[[Reply], str | web.Response]


def _bytes(body: bytes, charset: str = "UTF-8", **headers: str) -> web.Response:
    return web.Response(body=body, headers={"Content-Type": f"text/xml; charset={charset}"} | headers)


def _shuffled(reply: Reply) -> str:
    types = f"{reply.namespace}/xsd"
    fields = []
    for turn, (name, content) in enumerate(reversed(reply.fields)):
        value = f"\n    <![CDATA[{content}]]>\t " if content and content.isdigit() else content or ""
        fields.append(
            f'<!-- {turn} --><{name} xmlns="{types}">{value}<?ignore me?></{name}>'
            if turn % 2
            else f'<t{turn}:{name} xmlns:t{turn}="{types}">{value}<!-- usados --></t{turn}:{name}>'
        )
    name = f"{reply.operation}Response"
    return (
        f'<!-- usados --><S:Envelope xmlns:S="{SOAP11}"><S:Header/>\n<S:Body>'
        f'<{name} xmlns="{reply.namespace}">\n'
        f"  <return>{' '.join(fields)}</return>\n</{name}></S:Body></S:Envelope>\n<!-- end -->"
    )


def _latin1(reply: Reply) -> web.Response:
    text = reply.but(mensaje="Operación concluida con éxito: año, señal").xml(encoding="ISO-8859-1")
    return _bytes(text.encode("iso-8859-1"), "ISO-8859-1")


def _soap12(reply: Reply) -> web.Response:
    return web.Response(body=reply.xml(soap=SOAP12).encode(), headers=SOAP12_XML)


def _laughs(reply: Reply) -> str:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return reply.but(mensaje="&l9;").xml(prolog=f'<!DOCTYPE l [<!ENTITY l0 "ja">{entities}]>')


def _xxe(reply: Reply) -> str:
    return reply.but(mensaje="&x;").xml(prolog='<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/hostname">]>')


def _deep(reply: Reply) -> str:
    return reply.but(mensaje="<a>" * 5000 + "</a>" * 5000).xml()


def _truncated(reply: Reply) -> str:
    text = reply.xml()
    return text[: text.index("</ns:return>")]  # all fields are there: tempting


def _duplicate(reply: Reply) -> str:
    result = reply.result()
    again = f"<{reply.prefix}:usados>1</{reply.prefix}:usados></ns:return>"
    return reply.xml(result=result.replace("</ns:return>", again))


def _two_returns(reply: Reply) -> str:
    return reply.xml(result=reply.result() + reply.but(disponibles="1").result())


def _wide(digits: str) -> str:
    return "".join(chr(0x660 + int(digit)) for digit in digits)


#: Of the same meaning as the plain reply.
VALID: dict[str, tuple[str, Spoil]] = {
    "shuffled": (
        "valid: other order, prefixes, default namespaces, comments, CDATA and white space",
        _shuffled,
    ),
    "latin1": ("valid: ISO-8859-1 with accents", _latin1),
    "utf16": ("valid: UTF-16", lambda r: _bytes(r.xml(encoding="UTF-16").encode("utf-16"), "UTF-16")),
    "bom": ("valid: UTF-8 behind a byte order mark", lambda r: _bytes(r.xml().encode("utf-8-sig"))),
    "soap12": ("valid: in a SOAP 1.2 envelope", _soap12),
    "script": (
        "valid: mensaje holds a <script>, escaped",
        lambda r: r.but(mensaje="&lt;script&gt;alert(1)&lt;/script&gt;").xml(),
    ),
}

#: Of no meaning that a careful reader would trust.
ODD: dict[str, tuple[str, Spoil]] = {
    "html": ("an HTML page under HTTP 200", lambda _: page(200)),
    "huge": ("2 MiB of well-formed XML", lambda r: r.but(mensaje="x" * MUCH).xml()),
    "huge_header": (
        "a header of 100 KB before a valid answer",
        lambda r: _bytes(r.xml().encode(), **{"X-Padding": "x" * 100_000}),
    ),
    "brotli": (
        "Content-Encoding: br, though nobody asked, over random bytes",
        lambda _: _bytes(random.Random(7).randbytes(1600), **{"Content-Encoding": "br"}),
    ),
    "doctype": ("a DOCTYPE with a billion laughs", _laughs),
    "xxe": ("a DOCTYPE with an external entity", _xxe),
    "deep": ("elements nested 5,000 levels deep", _deep),
    "truncated": ("XML cut in the middle; HTTP says it is complete", _truncated),
    "empty": ("HTTP 200 with no body", lambda _: web.Response(headers=XML)),
    "junk": ("random bytes", lambda _: _bytes(random.Random(8).randbytes(2048))),
    "duplicate": ("usados twice", _duplicate),
    "two_returns": ("two results that contradict each other", _two_returns),
    "negative": ("usados is -5", lambda r: r.but(usados="-5").xml()),
    "underscore": ("disponibles is 1_000", lambda r: r.but(disponibles="1_000").xml()),
    "plus": ("disponibles is +5", lambda r: r.but(disponibles="+5").xml()),
    "arabic": (
        "disponibles in Arabic digits",
        lambda r: r.but(disponibles=_wide("1234")).xml(),
    ),
    "float": ("disponibles is 12.0", lambda r: r.but(disponibles="12.0").xml()),
    "long": ("disponibles has 13 digits", lambda r: r.but(disponibles="1" + "0" * 12).xml()),
    "hex": ("disponibles is 0x1F", lambda r: r.but(disponibles="0x1F").xml()),
    "nested": ("an element inside usados", lambda r: r.but(usados="1<b>2</b>").xml()),
    "missing": ("disponibles is absent", lambda r: r.without("disponibles").xml()),
    "nil": ("disponibles is nil", lambda r: r.but(disponibles=None).xml()),
    "blank": ("disponibles is blank", lambda r: r.but(disponibles="  ").xml()),
    "no_status": ("status is absent", lambda r: r.without("status").xml()),
    "status_text": ("status is abc", lambda r: r.but(status="abc").xml()),
}
