"""Answers in other forms: those that say the same are read the same; of the others it is told what they were.

What hides a refusal is asked over real sockets, with a right login and with a wrong one.
"""

import gzip
import zlib
from base64 import encodebytes
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Quota, Verdict
from monitor.pac import Busy, Garbled, PacError, Refused, Rejected, Unavailable
from monitor.pac.answer import Answer, refusal, understand
from monitor.pac.reply import MAX_BYTES
from monitor.pac.withheld import Secrets
from monitor.simulator import Account as PretendAccount
from monitor.simulator import Issuer, Pac
from monitor.simulator.dialect import DIALECTS
from monitor.simulator.obscured import ALWAYS, SOMETIMES
from monitor.simulator.spoiled import VALID
from tests.test_pac import PASSWORD, RFC, ask, error_of, fields, listening, soap, soap_fault

USER = "user@norte"
SECRETS = Secrets(USER, PASSWORD)
GOOD = Quota(100, 40, 60)
XML = "text/xml; charset=utf-8"


def told(body: bytes, status: int = 200, kind: str = XML, coding: str | None = None) -> Quota | PacError:
    headers = {"Content-Type": kind} | ({} if coding is None else {"Content-Encoding": coding})
    try:
        return understand(Answer(status, headers, body), SECRETS)
    except PacError as error:
        return error


def error(body: bytes, status: int = 200, kind: str = XML, coding: str | None = None) -> PacError:
    found = told(body, status, kind, coding)
    assert isinstance(found, PacError)
    return found


# What the pretend PAC can be told to do to its answers, with a right login and with a wrong one

READ: Any = (Quota(100, 30, 70), ("refused", "601", "refuses"))

OUTCOMES: dict[str, Any] = {
    **dict.fromkeys([*VALID, *DIALECTS], READ),
    # A refusal that only stands in the bytes is one; numbers that only stand there are none.
    "other_return": (("garbled", "other", "unreadable"), ("refused", "601", "refuses")),
    "escaped": (("garbled", "not_soap", "unreadable"), ("refused", "601", "refuses")),
    "truncated": (("garbled", "not_soap", "unreadable"), ("refused", "601", "refuses")),
    "doctype": (("garbled", "not_soap", "unreadable"), ("refused", "601", "refuses")),
    "two_returns": (("garbled", "other", "unreadable"), ("refused", "601", "refuses")),
    "endless": (("garbled", "too_large", "unreadable"), ("refused", "601", "refuses")),
    # Nothing to be found in either.
    "gzip_cut": (("garbled", "not_soap", "unreadable"), ("garbled", "not_soap", "unreadable")),
    "deflate": (("garbled", "not_soap", "unreadable"), ("garbled", "not_soap", "unreadable")),
    "other_element": (("garbled", "other", "unreadable"), ("garbled", "other", "unreadable")),
    "json": (("garbled", "not_soap", "unreadable"), ("garbled", "not_soap", "unreadable")),
    # Of refusals only.
    "code_606": (READ[0], ("refused", "606", "refuses")),
    "nested_refusal": (READ[0], ("refused", "601", "refuses")),
    "nested_500": (READ[0], ("refused", "601", "refuses")),
    "nested_code": (READ[0], ("garbled", "200", "unreadable")),
    "nil_status": (READ[0], ("garbled", "other", "unreadable")),
    "fault_refusal": (READ[0], ("unavailable", "fault", "unreadable")),
    "fault12_refusal": (READ[0], ("unavailable", "fault", "unreadable")),
    "html_refusal": (READ[0], ("garbled", "not_soap", "unreadable")),
    "redirect_refusal": (READ[0], ("garbled", "redirect", "unreadable")),
    "status_500_html": (READ[0], ("unavailable", "http_500", "unreadable")),
    "truncated_refusal": (READ[0], ("garbled", "not_soap", "unreadable")),
    "empty_refusal": (READ[0], ("garbled", "not_soap", "unreadable")),
}


def test_all_that_hides_a_refusal_is_asked() -> None:
    assert OUTCOMES.keys() >= VALID.keys() | DIALECTS.keys() | ALWAYS.keys() | SOMETIMES.keys()


@pytest.mark.parametrize("fault", OUTCOMES)
async def test_an_answer_in_another_form_is_read_or_known_to_be_unreadable(fault: str) -> None:
    right, wrong = OUTCOMES[fault]
    account = PretendAccount(USER, PASSWORD, {RFC: Issuer(100, 30)})
    pac = Pac([account], faults={RFC: fault})
    async with pac.serve() as url:
        assert await outcome(url) == right
        account.password = "changed"
        assert await outcome(url) == wrong
    assert pac.followed == 0


async def outcome(url: str) -> Any:
    try:
        return await ask(url)
    except PacError as error:
        return error.reason, error.code, error.verdict


# Encodings


@pytest.mark.parametrize("charset", ["ISO-8859-1", "windows-1252", '"latin-1"', "us-ascii"])
def test_the_charset_of_the_http_header_counts_where_the_xml_declares_none(charset: str) -> None:
    body = fields(mensaje="Límite", status="500").removeprefix(b'<?xml version="1.0" encoding="UTF-8"?>')
    sent = body.decode().encode("utf-8" if charset == "us-ascii" else charset.strip('"'))
    assert "(Límite)" in error(sent, kind=f"text/xml; charset={charset}").text


@pytest.mark.parametrize("charset", ["ISO-8859-1", "utf-16", "us-ascii"])
def test_what_the_xml_declares_counts_for_more_than_the_http_header(charset: str) -> None:
    body = fields(mensaje="Límite", status="500")
    assert "(Límite)" in error(body, kind=f"text/xml; charset={charset}").text
    marked = b"\xef\xbb\xbf" + body.partition(b"?>")[2]
    assert "(Límite)" in error(marked, kind=f"text/xml; charset={charset}").text


@pytest.mark.parametrize(
    "charset", ["quatsch", "", "utf-99", "gb2312", "utf-7", "rot13", "idna", "base64", "x\0y", "\udcff", "*"]
)
def test_a_charset_that_nobody_knows_does_no_harm(charset: str) -> None:
    for body in (fields(), fields().partition(b"?>")[2]):
        assert told(body, kind=f"text/xml; charset={charset}") == GOOD
        assert told(body, kind=f"text/xml; charset*=utf-8''%00{charset}") == GOOD


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (fields(status="500", mensaje="contraseña").decode().encode("cp1252"), "contraseña"),
        (b"\xef\xbb\xbf \n" + fields(status="500", mensaje="contraseña"), "contraseña"),
        (b"\n \xef\xbb\xbf" + fields(status="500", mensaje="contraseña"), "contraseña"),
        (fields(status="500", mensaje="contrase&ntilde;a &amp; &euro;&nbsp;5"), "contraseña & € 5"),
        (fields(status="500", mensaje="contraseña").decode().encode("utf-16"), "contraseña"),
        (fields(status="500", mensaje="contraseña").decode().encode("utf-16-le"), "contraseña"),
        (fields(status="500", mensaje="contraseña").decode().encode("utf-16-be"), "contraseña"),
        (fields(status="500", mensaje="contraseña").replace(b"UTF-8", b"quatsch"), "contraseña"),
    ],
)
def test_what_is_no_xml_as_it_stands_is_mended(body: bytes, message: str) -> None:
    found = error(body, kind="text/xml")
    assert (found.code, found.verdict) == ("500", Verdict.NOTHING)
    assert f"({message})" in found.text


@pytest.mark.parametrize(
    "body",
    [
        fields(mensaje="&unknown;"),
        fields(mensaje="&LT;status&GT;"),
        b" <!DOCTYPE a [<!ENTITY x 'y'>]>" + fields(mensaje="&oacute;").partition(b"?>")[2],
        b" " + fields().replace(b"<s:Body>", b"<s:Body>" + b"<a>" * 50),
        b" <html/>",
        fields(mensaje="&oacute;")[:-1],
    ],
)
def test_mending_goes_no_further(body: bytes) -> None:
    assert (error(body).code, error(body).verdict) == ("not_soap", Verdict.UNREADABLE)


def test_an_rfc_that_is_echoed_without_being_escaped_hides_no_number() -> None:
    assert told(fields(mensaje="H&E951128469 & ok")) == GOOD
    assert "(H&E951128469 no)" in error(fields(status="601", mensaje="H&E951128469 no")).text


@pytest.mark.parametrize(
    "flood", [b"status", b"status>", b">606x", b">606<", b"> ", b">0", b"<status =>\n+00"], ids=repr
)
def test_long_texts_are_searched_for_a_refusal_and_the_last_is_found(flood: bytes) -> None:
    body = flood * (60_000 // len(flood))
    assert refusal(body) is None
    assert refusal(body + b"<ns:status a='b'> 601 </ns:status>") == "601"


def test_mending_makes_no_numbers() -> None:
    for odd in ("&sup1;", "&frac12;", "&zwj;5"):
        assert error(fields(usados=odd)).code == "200"


# Compression


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP", "", None, "identity", "br", "none"])
def test_gzip_is_read_whatever_the_header_says(coding: str | None) -> None:
    assert told(gzip.compress(fields()), coding=coding) == GOOD


@pytest.mark.parametrize("coding", ["utf-8", "", "none", "binary", "8bit", "identity", "gzip", "br", "a, b"])
def test_what_is_not_compressed_is_read_whatever_the_header_says(coding: str) -> None:
    assert told(fields(), coding=coding) == GOOD


@pytest.mark.parametrize(
    ("body", "coding", "words"),
    [
        (zlib.compress(fields()), "deflate", "compressed (deflate), though not asked for (text/xml, "),
        (b"\x0b\x02\x80" * 90, "BR", "compressed (br), though not asked for (text/xml, 270 bytes, not text)"),
        (b"\x28\xb5\x2f\xfd", "zstd", "compressed (zstd), though not asked for"),
        (b"<html>", "utf-8", 'not a SOAP envelope (text/xml, 6 bytes, begins "<html>")'),
        (gzip.compress(fields())[:-9], "gzip", "gzip that is cut short (text/xml, "),
        (gzip.compress(fields())[:-8] + b"12345678", "gzip", "gzip that is broken (text/xml, "),
        (b"\x1f\x8b", None, "gzip that is cut short (text/xml, empty)"),
    ],
)
def test_what_is_compressed_otherwise_or_badly_is_unreadable(
    body: bytes, coding: str | None, words: str
) -> None:
    found = error(body, coding=coding)
    assert (found.code, found.verdict) == ("not_soap", Verdict.UNREADABLE)
    assert found.text.startswith(words)


def test_gzip_is_read_to_the_bound() -> None:
    padding = b"<!--" + b"x" * (MAX_BYTES - len(fields()) - 7) + b"-->"
    assert len(fields() + padding) == MAX_BYTES
    assert told(gzip.compress(fields() + padding)) == GOOD
    found = error(gzip.compress(fields() + padding + b" "))
    assert (found.code, found.verdict) == ("too_large", Verdict.UNREADABLE)
    assert found.text.startswith("more than 65536 bytes (text/xml, its Body begins ")


# Multiparts


def related(*parts: bytes, more: str = "") -> tuple[bytes, str]:
    body = b"".join(b"--b\r\n%s\r\n" % part for part in parts) + b"--b--\r\n"
    return body, f"multipart/related; boundary=b{more}"


def part(content: bytes, *headers: str) -> bytes:
    return "".join(f"{header}\r\n" for header in headers).encode() + b"\r\n" + content


OTHER = part(b"\x00\xff", "Content-ID: <other>", "Content-Type: image/png")
ROOT = part(fields(), "Content-ID: <root>", "Content-Type: text/xml")
BARE = fields().partition(b"?>")[2].replace(b"ok", b"\xf3")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        related(ROOT, OTHER),
        related(OTHER, ROOT, more='; start="<root>"'),
        related(OTHER, ROOT, more='; START=root; type="text/xml"'),
        related(ROOT, OTHER, more='; start="<nobody>"'),
        related(part(fields())),
        related(part(fields(), "Content-Transfer-Encoding: 8bit")),
        related(part(fields().replace(b"=", b"=3D"), "Content-Transfer-Encoding: quoted-printable")),
        related(part(BARE, "Content-Type: text/xml; charset=ISO-8859-1")),
        related(part(BARE)),
        related(part(related(ROOT)[0].replace(b"--b", b"--c"), "Content-Type: multipart/mixed; boundary=c")),
        (related(ROOT)[0].removesuffix(b"--b--\r\n"), "multipart/related; boundary=b"),
        (b"preamble\r\n" + related(ROOT)[0], "Multipart/Mixed; boundary=b"),
        (fields(), "multipart/related; boundary=b"),
        (fields(), "multipart/related"),
        (fields(), "multipart/"),
        (gzip.compress(related(OTHER, ROOT)[0]), "multipart/related; boundary=b; start=root"),
    ],
)
def test_of_a_multipart_the_root_part_is_read(body: bytes, kind: str) -> None:
    assert told(body, kind=kind) == GOOD


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        related(OTHER, ROOT),
        related(),
        (b"", "multipart/related; boundary=b"),
        related(*[OTHER] * 20, ROOT, more="; start=root"),
        (b"\r".join(b"--b%d\rContent-Type: multipart/mixed; boundary=b%d\r" % (i, i + 1) for i in range(900)),
         "multipart/mixed; boundary=b0"),
    ],
)  # fmt: skip
def test_a_multipart_without_a_root_that_can_be_read_is_unreadable(body: bytes, kind: str) -> None:
    found = error(body, kind=kind)
    assert (found.code, found.verdict) == ("not_soap", Verdict.UNREADABLE)


# Other stacks


@pytest.mark.parametrize("name", ["return", "getTimbresReturn", "getTimbresResult", "x-Return"])
def test_a_result_goes_by_several_names(name: str) -> None:
    assert told(fields().replace(b"ns:return", f"ns:{name}".encode())) == GOOD


@pytest.mark.parametrize("name", ["returns", "Returned", "resultado", "retorno"])
def test_others_are_no_results(name: str) -> None:
    assert error(fields().replace(b"ns:return", f"ns:{name}".encode())).code == "other"


def test_two_results_are_none_whatever_their_names() -> None:
    inside = soap("</ns:return><ns:xResult><status>200</status></ns:xResult><ns:return><status>200</status>")
    assert error(inside).code == "other"


def axis1(*parts: str, result: str = '<xReturn href="#id0"/>') -> bytes:
    return (f"<e:Envelope xmlns:e='e'><e:Body><r>{result}</r>{''.join(parts)}</e:Body></e:Envelope>").encode()


WHOLE = (
    '<multiRef id="id0"><contratados href="#id1"/><usados>40</usados><disponibles href="#id2"/>'
    '<mensaje nil="true"/><status href="#id3"/></multiRef>'
)
NUMBER = '<multiRef id="{}" type="int">\n{}<!-- --></multiRef>'
NUMBERS = "".join(NUMBER.format(*pair) for pair in (("id1", "100"), ("id2", "60"), ("id3", "0200")))


@pytest.mark.parametrize("parts", [(WHOLE, NUMBERS), (NUMBERS, WHOLE)])
def test_what_a_result_refers_to_is_read(parts: tuple[str, ...]) -> None:
    assert told(axis1(*parts)) == GOOD
    numbers = "".join(NUMBER.format(*pair) for pair in (("id1", "7"), ("id2", "5"), ("id3", "601")))
    assert isinstance(told(axis1(WHOLE, numbers)), Refused)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (axis1(NUMBERS), "other"),
        (axis1(WHOLE), "other"),
        (axis1(WHOLE, NUMBERS, NUMBER.format("id3", "200")), "other"),
        (axis1(WHOLE, NUMBERS.replace("id3", "id4")), "other"),
        (axis1(WHOLE, NUMBERS.replace("0200", "<b>200</b>")), "other"),
        (axis1(WHOLE, WHOLE, NUMBERS), "other"),
        (axis1(WHOLE, NUMBERS, result='<aReturn href="#id0"/><bReturn href="#id0"/>'), "other"),
        (axis1('<multiRef id="id0"><status href="#id0"/></multiRef>'), "other"),
        (axis1("<multiRef><status>200</status></multiRef>", result="<xReturn/>"), "other"),
        (axis1(WHOLE, NUMBERS.replace("60", "")), "200"),
        (axis1(WHOLE, NUMBERS.replace("100", "1<b/>00")), "200"),
        (axis1(WHOLE.replace("<usados>", '<usados href="#id1"/><usados>'), NUMBERS), "200"),
    ],
)  # fmt: skip
def test_what_a_result_refers_to_must_be_there_once(body: bytes, code: str) -> None:
    assert error(body).code == code


# The fuse


@pytest.mark.parametrize("code", ["600", "601", "609", "633"])
@pytest.mark.parametrize(
    "form",
    [
        "<html>status: <b id=status >{}</b>", "<ns:status> {} </ns:status>",
        "<Status xsi:type='xsd:int'>\n+0{}<", "&lt;ns:status&gt;{}&lt;/ns:status&gt;",
        "<status><![CDATA[{}]]></status>", "<a><estatus>{}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("status", [200, 302, 401, 404, 429, 500, 502, 503])
def test_a_refusal_that_stands_in_what_cannot_be_read_is_one(
    code: str, form: str, encoding: str, status: int
) -> None:
    found = error(form.format(code).encode(encoding), status, "text/html")
    assert isinstance(found, Refused)
    assert (found.code, found.verdict, found.shape) == (code, Verdict.REFUSES, "")
    assert f"status {code} stands in an answer that cannot be read (text/html, " in found.text


@pytest.mark.parametrize(
    "text",
    [
        "<status>200<", "<status>610<", "<status>6011<", "<status>1601<", "<status>-601<", "<codigo>601<",
        "status 601", '{"status": 601}', "<status><b>601</b>", "<status>601.0<", "<status>60",
    ],
)  # fmt: skip
def test_other_bytes_are_no_refusal(text: str) -> None:
    assert refusal(text.encode()) is None


def test_a_refusal_is_found_in_what_was_compressed_in_parts_or_too_large() -> None:
    body = b"<html>" + fields(status="601")
    for broken in (gzip.compress(body)[:-4], gzip.compress(body)[:-8] + b"12345678"):
        assert isinstance(told(broken, coding="gzip"), Refused)
    assert isinstance(told(body + b" " * MAX_BYTES), Refused)
    assert isinstance(told(gzip.compress(body + b" " * MAX_BYTES)), Refused)
    for parts in ([part(encodebytes(body), "Content-Transfer-Encoding: base64")], [OTHER, part(body)]):
        whole, kind = related(*parts)
        assert isinstance(told(whole, kind=kind), Refused)


def test_a_refusal_within_a_fault_is_one() -> None:
    detail = "<detail><ex:status>604</ex:status></detail>"
    found = error(soap_fault(f"<faultstring>unknown</faultstring>{detail}"), 500)
    assert isinstance(found, Refused)


@pytest.mark.parametrize("status", ["200", "500", "299", "630", "632", ""])
@pytest.mark.parametrize("has_numbers", [True, False])
@pytest.mark.parametrize("place", ["before", "inside", "after"])
def test_a_refusal_that_stands_beside_another_status_counts(
    status: str, has_numbers: bool, place: str
) -> None:
    numbers = {} if has_numbers else dict.fromkeys(("contratados", "usados", "disponibles"))
    inner = "<r:resultados xmlns:r='r'><r:status r:a='b'> +0601 </r:status></r:resultados>"
    body = fields(status=status, mensaje=inner if place == "inside" else "ok", **numbers).decode()
    if place != "inside":
        before, result, after = body.partition("<ns:return>" if place == "before" else "</ns:return>")
        body = before + (inner + result if place == "before" else result + inner) + after
    found = error(body.encode())
    assert (found.code, found.verdict) == ("601", Verdict.REFUSES)


def test_the_login_is_proven_by_numbers_not_by_a_status_alone() -> None:
    assert error(fields(usados=None)).verdict is Verdict.UNREADABLE
    odd = error(fields(usados="-1"))
    assert odd.verdict is Verdict.UNREADABLE
    assert "bytes, its Body begins" in odd.text


@pytest.mark.parametrize("status", ["200", "500", "299", "630"])
def test_where_a_status_can_be_read_it_counts_alone(status: str) -> None:
    body = fields(status=status, mensaje="&lt;status&gt;601&lt;/status&gt;")
    assert not isinstance(told(body), Refused)


async def test_a_refusal_in_a_body_that_is_cut_short_is_one() -> None:
    for rest, kind in ((b"<status>601</status>", Refused), (b"<status>200</status>", Unavailable)):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
        async with listening(head + rest) as (url, _):
            assert isinstance(await error_of(url), kind)


@given(st.sampled_from([b"status", b"status>", b"&gt;", b" ", b"0", b"status&gt;", b"<![CDATA["]), st.data())
def test_looking_for_a_refusal_is_bounded(word: bytes, data: st.DataObject) -> None:
    other = data.draw(st.sampled_from([b"", b"status", b">", b"&gt;", b"<status>"]))
    refusal((other + word * MAX_BYTES)[:MAX_BYTES])


# Faults


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("namespace mismatch require http://a.example/x found http://b.example", "http://a.example/x"),
        ("org.apache.axis2.AxisFault: namespace mismatch require urn:a found none", "urn:a"),
        ("namespace mismatch require  found http://b.example", '""'),
        (
            "namespace mismatch. Axis Oepration expects non-namespace qualified element. "
            "But received a namespace qualified element",
            '""',
        ),
        ("namespace mismatch. Axis Operation expects non-namespace\n qualified element.", '""'),
    ],
)
def test_a_mismatch_says_what_to_set(text: str, wanted: str) -> None:
    for status in (200, 400, 500):
        found = error(soap_fault(f"<faultstring>{text}</faultstring>"), status)
        assert isinstance(found, Rejected)
        assert (found.code, found.verdict) == ("fault", Verdict.NOTHING)
        assert found.text.endswith(f"; set `namespace: {wanted}` for this account")


@pytest.mark.parametrize("namespace", ["http://other.example/ws", ""])
async def test_what_a_mismatch_says_to_set_is_right(namespace: str) -> None:
    pac = Pac([PretendAccount(USER, PASSWORD, {RFC: Issuer(9)}, pool=Issuer(8))], namespace=namespace)
    async with pac.serve() as url:
        for sent in ("urn:wrong", "" if namespace else "urn:also"):
            found = await error_of(url, namespace=sent)
            assert f"set `namespace: {namespace or chr(34) * 2}` for this account" in found.text
        assert await ask(url, namespace=namespace) == Quota(9, 0, 9)
        assert await ask(url, "implementacion", namespace=namespace) == Quota(8, 0, 8)


def test_any_other_fault_may_be_a_refusal() -> None:
    found = error(soap_fault("<faultstring>\n Acceso  denegado</faultstring>"), 500)
    assert isinstance(found, Unavailable)
    assert (found.text, found.verdict) == ("SOAP fault: Acceso denegado", Verdict.UNREADABLE)
    assert error(soap_fault(""), 500).text == "SOAP fault: unknown"


@pytest.mark.parametrize(
    ("status", "verdict"), [(401, "forbidden"), (429, "unreadable"), (503, "unreadable")]
)
def test_an_envelope_of_a_gateway_is_judged_by_the_http_status(status: int, verdict: str) -> None:
    for body in (soap_fault("<faultstring>no</faultstring>"), soap("")):
        found = error(body, status)
        assert isinstance(found, Unavailable if status == 401 else Busy)
        assert (found.code, found.verdict) == (f"http_{status}", verdict)
    assert told(fields(), status) == GOOD
    assert isinstance(told(fields(status="601"), status), Refused)


# What cannot be read says what it was

PAGE = b"<html><head>\n<title>Acceso</title></head></html>"


@pytest.mark.parametrize(
    ("body", "status", "kind", "text"),
    [
        (PAGE, 200, "text/html", 'not a SOAP envelope (text/html, 48 bytes, begins "<html><head> <title>'),
        (PAGE, 404, "", 'HTTP 404 from the PAC or something in between (48 bytes, begins "<html><head> <ti'),
        (b"", 500, "text/plain", "HTTP 500 from the PAC or something in between (text/plain, empty)"),
        (b"", 200, "text/xml", "not a SOAP envelope (text/xml, empty)"),
        (b"\0\1\2" * 9, 200, "a/b", "not XML, line 1 (a/b, 27 bytes, not text)"),
        (b"-" * 300, 200, "a/b", f'not XML, line 1 (a/b, 300 bytes, begins "{"-" * 199}…")'),
        (PAGE.decode().encode("utf-16"), 302, "x<y>",
         'HTTP 302: redirects are not followed (98 bytes, begins "<html><head>'),
        (fields(status=None), 200, XML, "no status (ok) (text/xml, "),
        (fields(status=None, mensaje=None), 200, XML, "no status, no message (text/xml, "),
        (fields(status="299"), 200, XML, "unknown status (ok)"),
        (fields(status="299", mensaje=None), 200, XML, "unknown status, no message"),
        (b"\x1b[31mrojo " + b"x" * 50, 400, "a/b",
         'HTTP 400 from the PAC or something in between (a/b, 60 bytes, begins "[31mrojo'),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_what_it_was(body: bytes, status: int, kind: str, text: str) -> None:
    found = error(body, status, kind)
    assert found.verdict is Verdict.UNREADABLE
    assert found.text.startswith(text)
    assert found.text.isprintable()
    assert len(found.text) < 400


def test_of_an_envelope_it_says_what_is_in_it() -> None:
    body = fields().replace(b"ns:return", b"ns:resultado")
    assert 'its Body begins "<ns:getTimbresResponse><ns:resultado><a:contratados>100<' in error(body).text


def test_answers_of_one_kind_have_one_shape() -> None:
    def shape(body: bytes, status: int = 200, kind: str = "text/html") -> str:
        return error(body, status, kind).shape

    assert shape(b"<html>request 17 at 12:30</html>") == shape(b"<html>request 4711 at 9:05</html>")
    assert shape(fields(status="299")) == shape(fields(status="299", usados=None, contratados=""))
    different = {
        shape(PAGE),
        shape(PAGE, kind="text/plain"),
        shape(PAGE, 404),
        shape(PAGE, 500),
        shape(PAGE + b"<p>x"),
        shape(b""),
        shape(fields(status=None)),
        shape(fields(status="298")),
        shape(fields(status="299")),
        shape(soap_fault("<faultstring>a</faultstring>"), 500),
        shape(soap_fault("<faultstring>b</faultstring>"), 500),
    }
    assert len(different) == 11
    assert "" not in different
    for read in (fields(status="601"), fields(status="500")):
        assert shape(read) == ""


@given(
    st.binary(max_size=400) | st.just(gzip.compress(fields())) | st.just(related(OTHER, ROOT)[0]),
    st.sampled_from([200, 204, 302, 400, 401, 404, 429, 500, 502, 503, 999]),
    st.text(max_size=40) | st.sampled_from(["multipart/related; boundary=b", "text/xml; charset=latin1"]),
    st.none() | st.text(max_size=10) | st.sampled_from(["gzip", "br"]),
)
def test_any_answer_has_a_meaning(body: bytes, status: int, kind: str, coding: str | None) -> None:
    found = told(body, status, kind, coding)
    if isinstance(found, PacError):
        assert found.text.isprintable()
        assert found.verdict is not Verdict.PROVES
        assert isinstance(found, Garbled) <= (found.verdict is Verdict.UNREADABLE)
