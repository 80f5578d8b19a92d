"""Faults that hide what the PAC says, above all its refusals: it does its work, login included, and the
answer is of a kind that nobody expects.

Those of `SOMETIMES` hide refusals only; a right login is told its numbers in the plain form.
"""

import gzip
import json
import zlib
from xml.sax.saxutils import escape

from aiohttp import web

from monitor.simulator import forced
from monitor.simulator.envelope import Reply
from monitor.simulator.spoiled import Spoil

REFUSALS = {"601", "602", "603", "604", "605", "633"}


def _nested(status: str, field: str) -> Spoil:
    """A list of results, of which one is the refusal: the vendor's other services answer like this."""

    def spoil(reply: Reply) -> str:
        at = reply.prefix
        inner = f"<{at}:{field}>{reply.get('status')}</{at}:{field}>"
        fields = f"<{at}:status>{status}</{at}:status><{at}:resultados>{inner}</{at}:resultados>"
        head, _, _ = reply.result().partition(">")
        return reply.xml(result=f"{head}>{fields}</ns:return>")

    return spoil


_WORDS = "El usuario o la contraseña no son correctos."


def _cut_gzip(reply: Reply) -> web.Response:
    body = gzip.compress(reply.xml().encode())
    return web.Response(body=body[: len(body) // 2], headers=forced.XML | {"Content-Encoding": "gzip"})


def _deflate(reply: Reply) -> web.Response:
    body = zlib.compress(reply.xml().encode())
    return web.Response(body=body, headers=forced.XML | {"Content-Encoding": "deflate"})


def _json(reply: Reply) -> web.Response:
    result = {name: int(text) if text and text.isdigit() else text for name, text in reply.fields}
    text = json.dumps({f"{reply.operation}Response": {"return": result}}, ensure_ascii=False)
    return web.Response(text=text, content_type="application/json")


def _escaped(reply: Reply) -> str:
    return (
        "<?xml version='1.0' encoding='UTF-8'?>"
        f'<string xmlns="http://tempuri.org/">{escape(reply.xml())}</string>'
    )


def _login_page(_: Reply) -> web.Response:
    text = (
        "<html><head><title>Acceso</title></head><body><h1>Acceso denegado</h1>"
        '<form method="post">Usuario <input name="user"> Clave <input name="clave"></form></body></html>'
    )
    return web.Response(text=text, content_type="text/html")


def _truncated(reply: Reply) -> str:
    text = reply.xml()
    return text[: text.index(f"</{reply.prefix}:mensaje>")]  # the status comes after it


def _if_refused(spoil: Spoil) -> Spoil:
    return lambda reply: spoil(reply) if reply.get("status") in REFUSALS else reply.xml()


ALWAYS: dict[str, tuple[str, Spoil]] = {
    "gzip_cut": ("gzip that is cut in the middle; HTTP says it is complete", _cut_gzip),
    "deflate": ("Content-Encoding: deflate, though nobody asked", _deflate),
    "other_element": (
        "the status is in an element codigo",
        lambda r: r.xml().replace(":status>", ":codigo>"),
    ),
    "other_return": (
        "the result is in an element resultado",
        lambda r: r.xml().replace("ns:return", "ns:resultado"),
    ),
    "json": ("the reply as JSON", _json),
    "escaped": ("the SOAP answer, escaped, as the text of an element", _escaped),
}

SOMETIMES: dict[str, tuple[str, Spoil]] = {
    name: (summary, _if_refused(spoil))
    for name, (summary, spoil) in {
        "code_606": (
            "a refusal has the status 606, which the vendor's table has not",
            lambda r: r.but(status="606").xml(),
        ),
        "nested_refusal": (
            "a refusal has the status 200, and its own in an element resultados",
            _nested("200", "status"),
        ),
        "nested_500": (
            "a refusal has the status 500, and its own in an element resultados",
            _nested("500", "status"),
        ),
        "nested_code": (
            "a refusal has the status 200, and its own in resultados as codigo",
            _nested("200", "codigo"),
        ),
        "nil_status": ("a refusal has a status that is nil", lambda r: r.but(status=None).xml()),
        "fault_refusal": (
            "a refusal is a SOAP 1.1 fault without a code",
            lambda _: forced.soap_fault(_WORDS),
        ),
        "fault12_refusal": (
            "a refusal is a SOAP 1.2 fault without a code, HTTP 400",
            lambda _: forced.soap12(_WORDS, "Sender", 400),
        ),
        "html_refusal": ("a refusal is an HTML page under HTTP 200, to log in", _login_page),
        "redirect_refusal": ("a refusal is a redirect, to log in", lambda _: forced.redirect(302)),
        "status_500_html": ("a refusal is an HTML page under HTTP 500", lambda _: forced.page(500)),
        "truncated_refusal": ("a refusal is cut before the status; HTTP says it is complete", _truncated),
        "empty_refusal": (
            "a refusal is HTTP 200 with no body",
            lambda _: web.Response(headers=forced.XML),
        ),
    }.items()
}
