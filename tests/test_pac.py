"""The wire: what is sent, how an answer is read, and that nothing on the way is unaccounted for."""

import asyncio
import inspect
import random
import re
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr
from yarl import URL

from monitor import pac as pac_module
from monitor.config import Account
from monitor.model import IMPLEMENTATION, Quota, Verdict
from monitor.pac import Garbled, PacError, Refused, Service, Unavailable
from monitor.pac.envelope import Fault, NotSoap
from monitor.pac.reply import MAX_BYTES, Reply, parse, read
from monitor.pac.service import WIRE_ERRORS
from monitor.pac.status import ERRORS, judge
from monitor.simulator import Account as PretendAccount
from monitor.simulator import Issuer, Pac

RFC = "H&E951128469"
PASSWORD = "p&ss <wörd> %s %"


def account(endpoint: str, **more: Any) -> Account:
    given_ = {
        "name": "norte",
        "endpoint": endpoint,
        "username": "user@norte",
        "password": SecretStr(PASSWORD),
        "max_in_flight": 1,
        "namespace": "http://utilerias.timbrado.ws.cfdi.solucionfactible.com",
        "soap_action": "urn:getTimbres",
        "ca_file": None,
        "proxy": None,
    }
    return Account(**{**given_, **more})


async def ask(endpoint: str, rfc: str = RFC, **more: Any) -> Quota:
    async with pac_module.Connections() as http:
        return await Service(account(endpoint, **more), 1.0, "0").get_timbres(http, rfc)


async def error_of(endpoint: str, **more: Any) -> PacError:
    with pytest.raises(PacError) as caught:
        await ask(endpoint, **more)
    return caught.value


def pretend(**faults: str) -> Pac:
    issuers = {RFC: Issuer(100, 30), "ÑAN951128469": Issuer(7)}
    return Pac([PretendAccount("user@norte", PASSWORD, issuers, pool=Issuer(900, 1))], faults=faults)


async def test_an_rfc_and_a_password_with_any_characters_reach_the_pac_as_they_are() -> None:
    pac = pretend()
    async with pac.serve() as url:
        assert await ask(url) == Quota(100, 30, 70)
        assert await ask(url, "ÑAN951128469") == Quota(7, 0, 7)
    assert pac.wrong_logins.total() == 0


async def test_the_integrators_pool_is_asked_by_its_own_operation() -> None:
    pac = pretend()
    async with pac.serve() as url:
        assert await ask(url, IMPLEMENTATION) == Quota(900, 1, 899)


async def test_the_request_is_what_the_vendor_describes() -> None:
    async with listening(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (url, received):
        await error_of(url)
    head, _, body = received[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST / HTTP/1.1\r\n")
    headers = {k.lower(): v.strip() for k, _, v in (x.partition(b":") for x in head.split(b"\r\n")[1:])}
    assert headers[b"content-type"] == b"text/xml; charset=utf-8"
    assert headers[b"soapaction"] == b'"urn:getTimbres"'
    assert headers[b"accept-encoding"] == b"identity"
    assert (
        '<ut:getTimbres xmlns:ut="http://utilerias.timbrado.ws.cfdi.solucionfactible.com">'
        "<ut:usuario>user@norte</ut:usuario><ut:password>p&amp;ss &lt;wörd&gt; %s %</ut:password>"
        "<ut:rfcEmisor>H&amp;E951128469</ut:rfcEmisor></ut:getTimbres>"
    ).encode() in body


# What did not reach the PAC, and what may have


@asynccontextmanager
async def listening(
    answer: bytes, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that says the same to everybody, and what it was told."""
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read(65536))
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http{'s' if context else ''}://127.0.0.1:{port}/", received
    finally:
        server.close()
        await server.wait_closed()


def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(made)
    return made


def assert_not_sent(error: PacError, code: str) -> None:
    assert isinstance(error, Unavailable)
    assert (error.code, error.verdict) == (code, Verdict.NOT_SENT)


async def test_a_name_that_cannot_be_resolved_is_dns_and_counts_nothing() -> None:
    assert_not_sent(await error_of("https://pac.invalid/"), "dns")


async def test_a_closed_port_is_connect_and_counts_nothing() -> None:
    async with listening(b"") as (url, _):
        pass
    error = await error_of(url)
    assert_not_sent(error, "connect")
    assert "refused" in error.text


async def test_a_silent_handshake_is_connect_and_counts_nothing() -> None:
    async with silent() as port:
        assert_not_sent(await error_of(f"https://127.0.0.1:{port}/"), "connect")


async def test_silence_after_the_request_is_a_lost_verdict() -> None:
    async with silent() as port:
        error = await error_of(f"http://127.0.0.1:{port}/")
    assert (error.code, error.verdict) == ("timeout", Verdict.LOST)


@asynccontextmanager
async def silent() -> AsyncIterator[int]:
    done = asyncio.Event()

    async def wait(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    server = await asyncio.start_server(wait, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        done.set()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0)


@pytest.mark.parametrize("how", ["untrusted", "expired", "other name"])
async def test_a_certificate_that_is_not_good_is_tls_and_counts_nothing(how: str, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate = {
        "untrusted": lambda: trustme.CA().issue_cert("127.0.0.1"),
        "expired": lambda: authority.issue_cert("127.0.0.1", not_before=_ago(2), not_after=_ago(1)),
        "other name": lambda: authority.issue_cert("pac.example"),
    }[how]()
    async with listening(b"", context(certificate)) as (url, received):
        error = await error_of(url, ca_file=tmp_path / "ca.pem")
    assert_not_sent(error, "tls")
    assert error.text.startswith("the certificate is not trusted: ")
    assert not any(b"usuario" in request for request in received)


def _ago(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


async def test_a_certificate_of_the_configured_authority_is_trusted(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    pac = pretend()
    async with pac.serve(ssl_context=context(authority.issue_cert("127.0.0.1"))) as url:
        assert await ask(url, ca_file=tmp_path / "ca.pem") == Quota(100, 30, 70)


async def test_a_port_without_tls_is_tls_and_counts_nothing() -> None:
    async with listening(b"HTTP/1.1 200 OK\r\n\r\n") as (url, _):
        error = await error_of(url.replace("http:", "https:"))
    assert_not_sent(error, "tls")
    assert error.text == "no TLS connection: wrong version number"


async def test_a_proxy_that_is_gone_or_refuses_is_connect_and_counts_nothing() -> None:
    answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    async with listening(answer) as (url, _):
        refused = await error_of("https://pac.invalid/", proxy=SecretStr(url))
    assert_not_sent(refused, "connect")
    assert "407" in refused.text
    assert_not_sent(await error_of("https://pac.invalid/", proxy=SecretStr(url)), "connect")


LOGINS = [
    ("us%C3%A9r%40x", "p%3A%E2%82%AC%2B+%25", "usér@x:p:€++%"),
    ("%D0%AE", "", "Ю:"),
    ("a%3Ab", "c", "a:b:c"),  # which the configuration refuses
]


@pytest.mark.parametrize(("user", "password", "login"), LOGINS)
async def test_a_proxy_is_told_its_user_and_password_in_utf_8(user: str, password: str, login: str) -> None:
    header = f"Proxy-Authorization: Basic {b64encode(login.encode()).decode()}\r\n".encode()
    body = fields()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    async with listening(answer) as (url, received):
        proxy = SecretStr(url.replace("//", f"//{user}:{password}@"))
        assert await ask("http://pac.invalid/ws", proxy=proxy) == Quota(100, 40, 60)
    assert received[0].startswith(b"POST http://pac.invalid/ws HTTP/1.1\r\n")
    assert received[0].count(b"Proxy-Authorization") == received[0].count(header) == 1
    async with listening(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as (url, received):
        proxy = SecretStr(url.replace("//", f"//{user}:{password}@"))
        assert_not_sent(await error_of("https://pac.invalid/", proxy=proxy), "connect")
    assert received[0].startswith(b"CONNECT pac.invalid:443 HTTP/1.1\r\n")
    assert received[0].count(b"Proxy-Authorization") == received[0].count(header) == 1


async def test_through_a_tunnel_the_pac_is_not_told_the_login_of_the_proxy(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    body = fields()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    certificate = authority.issue_cert("127.0.0.1")
    async with (
        listening(answer, context(certificate)) as (url, received),
        tunnel(url, "us%C3%A9r:p") as (proxy, opened),
    ):
        assert await ask(url, ca_file=tmp_path / "ca.pem", proxy=SecretStr(proxy)) == Quota(100, 40, 60)
    assert f"Proxy-Authorization: Basic {b64encode('usér:p'.encode()).decode()}".encode() in opened[0]
    assert b"password" in received[0]
    assert b"Proxy-Authorization" not in received[0]


async def test_many_polls_share_a_tunnel(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    pac = pretend()
    async with (
        pac.serve(ssl_context=context(authority.issue_cert("127.0.0.1"))) as url,
        tunnel(url, "us%C3%A9r:p") as (proxy, opened),
        pac_module.Connections() as http,
    ):
        service = Service(account(url, ca_file=tmp_path / "ca.pem", proxy=SecretStr(proxy)), 1.0, "0")
        for _ in range(5):
            assert await service.get_timbres(http, RFC) == Quota(100, 30, 70)
    assert len(opened) == 1


@asynccontextmanager
async def tunnel(url: str, login: str) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A proxy that opens tunnels to one place, and the heads of the requests for them."""
    opened: list[bytes] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        there = await asyncio.open_connection("127.0.0.1", URL(url).port)
        await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://{login}@127.0.0.1:{server.sockets[0].getsockname()[1]}", opened
    finally:
        server.close()
        await server.wait_closed()


# What is done between the connection and the request


@pytest.mark.parametrize("how", ["no name", "refused", "silent handshake"])
async def test_nothing_is_done_before_a_call_that_gets_no_connection(how: str) -> None:
    async def before() -> None:
        raise AssertionError

    async with listening(b"") as (refused, _):
        pass
    async with silent() as port, pac_module.Connections() as http:
        urls = {"no name": "https://pac.invalid/", "refused": refused}
        service = Service(account(urls.get(how, f"https://127.0.0.1:{port}/")), 1.0, "0")
        with pytest.raises(Unavailable) as caught:
            await service.get_timbres(http, RFC, before)
    assert caught.value.verdict is Verdict.NOT_SENT


async def test_what_is_done_before_a_call_may_stop_it() -> None:
    class Stopped(Exception):
        pass

    async def before() -> None:
        raise Stopped

    async with listening(b"") as (url, received):
        async with pac_module.Connections() as http:
            with pytest.raises(Stopped):
                await Service(account(url), 1.0, "0").get_timbres(http, RFC, before)
        await asyncio.sleep(0.1)
    assert received == [b""]


async def test_what_is_done_before_a_call_is_over_when_it_is_sent() -> None:
    done = []

    async def before() -> None:
        await asyncio.sleep(0.1)
        done.append(pac.calls.total())

    pac = pretend()
    async with pac.serve() as url, pac_module.Connections() as http:
        assert await Service(account(url), 1.0, "0").get_timbres(http, RFC, before) == Quota(100, 30, 70)
    assert done == [0]


async def test_a_call_that_is_out_of_time_before_it_is_sent_counts_nothing() -> None:
    done = []

    async def before() -> None:
        await asyncio.sleep(3600)
        done.append("late")

    async with listening(b"") as (url, received), pac_module.Connections() as http:
        with pytest.raises(Unavailable) as caught:
            await Service(account(url), 0.2, "0").get_timbres(http, RFC, before)
        await asyncio.sleep(0.1)
    assert_not_sent(caught.value, "connect")
    assert (done, received) == ([], [b""])


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        *[(code, Verdict.REFUSES) for code in ("601", "602", "603", "604", "605", "633")],
        *[(code, Verdict.REFUSES) for code in ("600", "606", "607", "608", "609")],
        *[(fault, Verdict.LOST) for fault in ("silent", "drip", "reset", "close", "early", "cut")],
        *[(fault, Verdict.LOST) for fault in ("http_502", "http_504")],
        *[(fault, Verdict.FORBIDDEN) for fault in ("http_401", "http_403", "http_407")],
        *[(fault, Verdict.NOTHING) for fault in ("500", "501", "502", "503", "632", "611", "612", "624")],
        *[(fault, Verdict.NOTHING) for fault in ("mismatch", "epr", "http_429", "http_503")],
        *[
            (fault, Verdict.UNREADABLE)
            for fault in ("fault11", "fault12", "html", "junk", "empty", "doctype")
        ],
        *[(fault, Verdict.UNREADABLE) for fault in ("299", "610", "999", "no_status", "status_text")],
        *[(fault, Verdict.UNREADABLE) for fault in ("http_400", "http_404", "http_500", "http_505")],
        *[(fault, Verdict.UNREADABLE) for fault in ("redirect_302", "redirect_307")],
        *[(fault, Verdict.UNREADABLE) for fault in ("huge", "endless", "gzip", "brotli", "deflate")],
        *[(fault, Verdict.UNREADABLE) for fault in ("not_http", "huge_header", "two_returns")],
        *[(fault, Verdict.UNREADABLE) for fault in ("missing", "nil", "blank", "negative")],
    ],
)
async def test_an_answer_says_about_the_credential(fault: str, verdict: Verdict) -> None:
    async with pretend(**{RFC: fault}).serve() as url:
        assert (await error_of(url)).verdict is verdict


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("30", 30.0), ("0", 0.0), ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0), ("soon", None), ("-5", None)],
)
async def test_retry_after_is_understood_in_seconds_and_as_a_date(value: str, seconds: float | None) -> None:
    answer = (
        "HTTP/1.1 503 Busy\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
        f"Retry-After: {value}\r\nContent-Length: 0\r\n\r\n"
    )
    async with listening(answer.encode()) as (url, _):
        assert (await error_of(url)).retry_after == seconds


async def test_a_gateways_fault_under_503_or_401_is_judged_by_the_http_status() -> None:
    body = soap_fault("<faultstring>no</faultstring>").decode()
    for status, code in ((503, "http_503"), (401, "http_401"), (500, "fault")):
        answer = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        async with listening(answer.encode()) as (url, _):
            found = await error_of(url)
        assert found.code == code
        # Busy or not, it may be a refusal.
        assert found.verdict is (Verdict.FORBIDDEN if status == 401 else Verdict.UNREADABLE)


@pytest.mark.parametrize("greeting", [b"220 ESMTP\r\n", b"HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n"])
async def test_an_answer_that_comes_before_the_question_counts_nothing(greeting: bytes) -> None:
    async def before() -> None:
        await asyncio.sleep(3600)

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        received.append(await reader.read(65536))
        writer.close()

    received: list[bytes] = []
    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with pac_module.Connections() as http:
        with pytest.raises(PacError) as caught:
            await Service(account(url), 1.0, "0").get_timbres(http, RFC, before)
    assert caught.value.verdict is Verdict.NOT_SENT
    server.close()
    await server.wait_closed()
    await asyncio.sleep(0.1)
    assert set(received) <= {b""}


class Broken(aiohttp.ClientResponse):
    """One with a fault that nobody has thought of."""

    @property
    def headers(self) -> Any:
        raise KeyError(PASSWORD)


class Breaking(pac_module.Connections):
    """Answers on them are a fault of ours."""

    @asynccontextmanager
    async def to(self, _: str) -> AsyncIterator[aiohttp.ClientSession]:
        async with aiohttp.ClientSession(response_class=Broken) as http:
            yield http


async def test_any_other_fault_says_where_it_is_and_what_became_of_the_login() -> None:
    async with pretend().serve() as url:
        unsent = await error_of(url, soap_action="urn:getTimbres\r\nX: y")
        with pytest.raises(PacError) as caught:
            await Service(account(url), 1.0, "0").get_timbres(Breaking(), RFC)
    for error, kind, verdict in (
        (unsent, "ValueError", Verdict.NOT_SENT),
        (caught.value, "KeyError", Verdict.LOST),
    ):
        assert isinstance(error, Unavailable)
        assert (error.code, error.verdict) == ("other", verdict)
        assert re.fullmatch(rf"internal error: {kind} at \S+\.pyx?:[0-9]+", error.text)
        assert PASSWORD not in str(error) + repr(error)


async def test_what_is_done_before_a_call_may_fail_with_any_error() -> None:
    async def before() -> None:
        raise error

    async with listening(b"") as (url, received), pac_module.Connections() as http:
        for error in (OSError(5), TimeoutError(), aiohttp.ClientError(), Unavailable("x", ""), KeyError()):
            with pytest.raises(type(error)) as caught:
                await Service(account(url), 1.0, "0").get_timbres(http, RFC, before)
            assert caught.value is error
        await asyncio.sleep(0.1)
    assert set(received) == {b""}


def test_every_error_of_the_http_client_has_its_place_in_the_mapping() -> None:
    kinds = [k for _, k in inspect.getmembers(aiohttp, inspect.isclass) if issubclass(k, Exception)]
    for kind in [*kinds, TimeoutError, ConnectionResetError, ssl.SSLError, BrokenPipeError]:
        if issubclass(kind, (aiohttp.ClientError, OSError)):
            assert any(parent in WIRE_ERRORS for parent in kind.__mro__), kind


# The reader


def soap(fields: str, *, response: str = "getTimbresResponse") -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="s"><s:Body>'
        f'<ns:{response} xmlns:ns="n"><ns:return>{fields}</ns:return></ns:{response}></s:Body></s:Envelope>'
    ).encode()


def soap_fault(inside: str, header: str = "") -> bytes:
    fault = f"<e:Body><e:Fault>{inside}</e:Fault></e:Body>"
    return f"<e:Envelope xmlns:e='e'>{header}{fault}</e:Envelope>".encode()


FIELDS = {"contratados": "100", "disponibles": "60", "usados": "40", "status": "200", "mensaje": "ok"}


def fields(**changes: str | None) -> bytes:
    every = {**FIELDS, **changes}
    return soap("".join(f"<a:{k} xmlns:a='a'>{v}</a:{k}>" for k, v in every.items() if v is not None))


def reply(body: bytes) -> Reply:
    read_ = read(body)
    assert isinstance(read_, Reply)
    return read_


@given(st.permutations(list(FIELDS)))
def test_fields_are_found_in_any_order(order: list[str]) -> None:
    body = soap("".join(f"<{k}>{FIELDS[k]}</{k}>" for k in order))
    assert judge(reply(body)) == Quota(100, 40, 60)


@given(st.tuples(*[st.integers(0, 10**12 - 1)] * 3))
def test_any_three_plain_numbers_are_published_as_given(numbers: tuple[int, int, int]) -> None:
    contracted, used, available = numbers
    body = fields(contratados=str(contracted), usados=f" {used}\n", disponibles=f"\t{available:012d}")
    assert judge(reply(body)) == Quota(contracted, used, available)


@given(st.sampled_from(["contratados", "usados", "disponibles"]), st.text(st.characters(codec="utf-8")))
@example("usados", "1_000")
@example("usados", "+5")
@example("usados", "-5")
@example("usados", "٣")
@example("usados", "1234567890123")
@example("usados", "12.0")
@example("usados", "")
@example("usados", "\u00a05")
def test_anything_but_a_plain_number_garbles_the_whole_answer(name: str, text: str) -> None:
    plain = text.strip(" \t\r\n")
    if plain.isascii() and plain.isdigit() and len(plain) <= 12:
        return
    escaped = "".join(c if c.isprintable() or c == "\u00a0" else "?" for c in text)
    escaped = escaped.replace("&", "&amp;").replace("<", "&lt;") or "x"
    with pytest.raises(Garbled) as caught:
        judge(reply(fields(**{name: escaped})))
    assert caught.value.code == "200"


@pytest.mark.parametrize("status", sorted({str(code) for code in range(100, 1000)} - {"200", "630", "631"}))
def test_numbers_under_any_other_status_do_not_count(status: str) -> None:
    with pytest.raises(PacError) as caught:
        judge(reply(fields(status=status)))
    assert caught.value.code == status
    assert isinstance(caught.value, ERRORS.get(status, (Garbled, ""))[0])


@pytest.mark.parametrize("code", ["200", "299", "601", "630"])
@pytest.mark.parametrize("form", ["0{}", " {}\n", "+{}", "\t+000{} ", "000000000000000{}"])
def test_white_space_a_sign_and_leading_zeros_do_not_change_a_status(code: str, form: str) -> None:
    for _ in range(2):  # its form is not known yet, and is
        assert reply(fields(status=form.format(code))).status == code


@pytest.mark.parametrize(
    "status",
    [
        "",
        "20",
        "2000",
        "abc",
        "٢٠٠",
        "-200",
        "200 200",
        "+ 200",
        "++200",
        "020",
        "0x200",
        "200.0",
        "²00",
        None,
    ],
)
def test_a_status_that_is_none_is_other(status: str | None) -> None:
    with pytest.raises(Garbled) as caught:
        judge(reply(fields(status=status)))
    assert caught.value.code == "other"


def test_a_field_outside_of_return_does_not_count() -> None:
    body = soap("<status>200</status>").replace(b"</ns:return>", b"</ns:return><usados>1</usados>")
    assert set(reply(body).fields) == {"status"}


def test_a_refusal_is_a_refusal_whatever_numbers_come_with_it() -> None:
    with pytest.raises(Refused):
        judge(reply(fields(status="601", usados="-1")))


CONTENTS = [
    "{}", " {}", "{}<!-- -->{}", "<!-- >{}< -->{}", "<![CDATA[>{}<]]>", "&gt;{}&lt;", "<b>{}</b>", "<b/>{}",
    "&#48;00000000000", "000000000000 ", "100000000000", "x", "", "<?x >{}<?>{}", "0{}", "+{}", "&oacute;{}",
    "&oacute;>{}<", "&>{}<;", "ó{}",
]  # fmt: skip
WHOLES = [
    "{0}", " {0}", "\ufeff {0}", "<!DOCTYPE a>{0}", "{0}<",
    '<Envelope><Body><r><xReturn href="#a"/></r><multiRef id="a">{1}</multiRef></Body></Envelope>',
    '<Envelope><Body><r><return><status href="#a"/></return></r><multiRef id="a">{{}}</multiRef>'
    '<multiRef id="{{}}">{{}}</multiRef></Body></Envelope>',
]  # fmt: skip


@given(
    st.lists(st.tuples(st.sampled_from(list(FIELDS)), st.sampled_from(CONTENTS)), max_size=6),
    st.sampled_from(WHOLES),
    st.sampled_from(["utf-8", "cp1252", "utf-16"]),
    st.randoms(use_true_random=False),
)
def test_an_answer_is_read_the_same_whether_its_form_was_seen_before_or_not(
    contents: list[tuple[str, str]], whole: str, encoding: str, chance: random.Random
) -> None:
    inside = "".join(f"<{name}>{content}</{name}>" for name, content in contents)
    form = whole.format(soap(inside).decode(), inside)
    for _ in range(3):
        numbers = [
            chance.choice(["0", "000000000000", "1", "0601", "100000000000", "7" * 13]) for _ in range(12)
        ]
        body = form.format(*numbers).encode(encoding, "ignore")
        assert either(read, body) == either(parse, body)


def either(how: Callable[[bytes], Reply | Fault], body: bytes) -> Reply | Fault | str:
    try:
        return how(body)
    except NotSoap as error:
        return str(error)


def test_answers_that_differ_in_numbers_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reply(fields())
    monkeypatch.setattr("monitor.pac.reply.parse", None)
    assert judge(reply(fields(contratados="7", usados="5", disponibles="2"))) == Quota(7, 5, 2)


@given(st.binary(max_size=2000))
@example(b"")
@example(b"<?xml version='1.0' encoding='utf-99'?><Envelope/>")
@example(b"<?xml version='1.0' encoding='shift_jis'?><Envelope/>")
@example(b"<?xml version='1.0' encoding='rot13'?><Envelope/>")
@example(b"<?xml version='1.0' encoding='idna'?><Envelope/>")
@example(b"\xff\xfe<\x00a\x00")
def test_the_reader_gives_a_result_or_a_typed_error_for_any_bytes(body: bytes) -> None:
    outcome(body)


@given(st.data())
def test_the_reader_gives_a_result_or_a_typed_error_for_mutated_answers(data: st.DataObject) -> None:
    body = bytearray(fields())
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(body) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "repeat"])):
            case "flip":
                body[place] = data.draw(st.integers(0, 255))
            case "cut":
                del body[place : place + data.draw(st.integers(0, 40))]
            case "insert":
                word = data.draw(st.sampled_from([b"<a>", b"</a>", b"&x;", b"<!DOCTYPE a>", b"]]>", b"\0"]))
                body[place:place] = word
            case _:
                body[place:place] = body[place : place + 60]
        if not body:
            break
    outcome(bytes(body))


def outcome(body: bytes) -> None:
    found: PacError | Quota | None = None
    try:
        answer = read(body)
        found = None if isinstance(answer, Fault) else judge(answer)
    except NotSoap:
        return
    except PacError as error:
        found = error
    if isinstance(found, PacError):
        assert found.code.isascii()
        assert len(found.text) < 500
    elif found is not None:
        assert found.available >= 0


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
        b"<!DOCTYPE Envelope><Envelope/>",
        b"<Envelope>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</Envelope>",
        b"<html><body>hola</body></html>",
        b"<Envelope><Body>",
    ],
)
def test_what_is_no_soap_is_refused(body: bytes) -> None:
    with pytest.raises(NotSoap):
        read(body)


def test_text_of_the_pac_becomes_one_short_line() -> None:
    body = fields(status="500", mensaje="a\n\tb\u202e\u0085" + "x" * MAX_BYTES)
    with pytest.raises(Unavailable) as caught:
        judge(reply(body))
    assert caught.value.text.startswith("error at the PAC (a b x")
    assert len(caught.value.text) < 330


def test_faults_of_both_soap_versions_are_read() -> None:
    one = soap_fault("<faultcode>S</faultcode><faultstring>unknown</faultstring>")
    two = soap_fault(
        "<e:Code><e:Value>R</e:Value></e:Code><e:Reason><e:Text>unknown</e:Text></e:Reason>", "<e:Header/>"
    )
    assert read(one) == read(two) == Fault("unknown")
