"""The pretend PAC does on the wire what its names promise."""

import ast
import asyncio
import gzip
import html
import json
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from email import message_from_bytes
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError, fromstring
from xml.sax.saxutils import escape

import aiohttp
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from monitor import simulator
from monitor.simulator import FAULTS, Account, Issuer, Pac, UnknownFault

pytestmark = pytest.mark.asyncio

NAMESPACE = "http://utilerias.timbrado.ws.cfdi.solucionfactible.com"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
USER = "ws@norte.example"
PASSWORD = "s3cr<&>t ñ"
RFC = "EKU9003173C9"
AMPERSAND = "H&E951128469"
ENYE = "ÑAÑ010101AA1"
POOL = "implementacion"


class Clock:
    """Time that passes when told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def account(**changes: object) -> Account:
    issuers = {RFC: Issuer(1000, 40, 10), AMPERSAND: Issuer(7), ENYE: Issuer(8)}
    made = Account(USER, PASSWORD, issuers, pool=Issuer(500, 100))
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def element(name: str, value: str) -> str:
    return f"<ut:{name}>{escape(value)}</ut:{name}>"


def envelope(
    arguments: str, operation: str = "getTimbres", namespace: str = NAMESPACE, soap: str = SOAP
) -> bytes:
    return (
        f'<soapenv:Envelope xmlns:soapenv="{soap}"><soapenv:Body><ut:{operation} xmlns:ut="{namespace}">'
        f"{arguments}</ut:{operation}></soapenv:Body></soapenv:Envelope>"
    ).encode()


def question(rfc: str = RFC, username: str = USER, password: str = PASSWORD) -> bytes:
    login = element("usuario", username) + element("password", password)
    if rfc == POOL:
        return envelope(login, "getTimbresImplementacion")
    return envelope(login + element("rfcEmisor", rfc))


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Local names and stripped texts of what is in `return`, in order."""
        root = fromstring(self.body)
        (result,) = (found for found in root.iter() if found.tag.rpartition("}")[2] == "return")
        return [(child.tag.rpartition("}")[2], "".join(child.itertext()).strip()) for child in result]

    def __getitem__(self, name: str) -> str:
        (value,) = (value for found, value in self.fields if found == name)
        return value

    @property
    def numbers(self) -> tuple[str, str, str]:
        return self["contratados"], self["usados"], self["disponibles"]


@dataclass
class Caller:
    """One who calls the pretend PAC, politely or with a bare socket."""

    url: str
    session: aiohttp.ClientSession
    tls: ssl.SSLContext | None

    async def ask(
        self,
        rfc: str = RFC,
        username: str = USER,
        password: str = PASSWORD,
        *,
        body: bytes | BytesIO | None = None,
        **headers: str,
    ) -> Answer:
        action = "urn:getTimbresImplementacion" if rfc == POOL else "urn:getTimbres"
        sent = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = question(rfc, username, password) if body is None else body
        return await self.send("POST", self.url, data=data, headers=sent)

    async def send(self, method: str, url: str, **keywords: Any) -> Answer:
        if url.startswith("/"):
            url = self.url.removesuffix("/ws/services/Utilerias") + url
        async with self.session.request(method, url, allow_redirects=False, **keywords) as response:
            return Answer(response.status, dict(response.headers), await response.read())

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[asyncio.StreamReader]:
        """Ask by hand and give what comes back."""
        port = int(self.url.split(":")[2].split("/")[0])
        name = "127.0.0.1" if self.tls else None
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=self.tls, server_hostname=name)
        body = question()
        head = (
            "POST /ws/services/Utilerias HTTP/1.1\r\nHost: pac\r\nContent-Type: text/xml; charset=utf-8\r\n"
            f"SOAPAction: urn:getTimbres\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            writer.write(head.encode() + body)
            yield reader
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of the server and of a client that trusts it."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


@asynccontextmanager
async def calling(
    pac: Pac, tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None
) -> AsyncIterator[Caller]:
    server, client = tls or (None, None)
    async with pac.serve(ssl_context=server) as url:
        connector = aiohttp.TCPConnector(ssl=client or True)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
            yield Caller(url, session, client)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)


# What an honest call is told


async def test_a_right_login_is_told_the_stamps_of_its_issuer() -> None:
    async with calling(Pac([account()])) as caller:
        answer = await caller.ask()
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/xml; charset=UTF-8"
    assert answer["status"] == "200"
    assert answer.numbers == ("1000", "40", "950")
    assert [name for name, _ in answer.fields] == [
        "contratados",
        "disponibles",
        "mensaje",
        "status",
        "usados",
    ]


async def test_the_prefix_of_the_types_varies_from_answer_to_answer() -> None:
    async with calling(Pac([account()])) as caller:
        answers = [await caller.ask() for _ in range(5)]
    assert len({answer.body for answer in answers}) == 5
    assert len({tuple(answer.fields) for answer in answers}) == 1


@pytest.mark.parametrize(("rfc", "available"), [(AMPERSAND, "7"), (ENYE, "8")])
async def test_an_rfc_may_hold_an_ampersand_or_an_enye(rfc: str, available: str) -> None:
    pac = Pac({USER: account()})
    async with calling(pac) as caller:
        answer = await caller.ask(rfc)
    assert answer["disponibles"] == available
    assert pac.calls == {rfc: 1}


async def test_the_pool_of_the_integrator_has_an_operation_of_its_own() -> None:
    pac = Pac([account()])
    async with calling(pac) as caller:
        answer = await caller.ask(POOL)
    assert b"getTimbresImplementacionResponse" in answer.body
    assert answer.numbers == ("500", "100", "400")
    assert pac.calls == {POOL: 1}


async def test_an_account_without_a_pool_is_told_that_something_is_missing() -> None:
    async with calling(Pac([account(pool=None)])) as caller:
        assert (await caller.ask(POOL))["status"] == "611"


@pytest.mark.parametrize(
    ("rfc", "status"), [("AAA010101AAA", "611"), ("not an rfc", "612"), ("AAA011301AAA", "612"), ("", "611")]
)
async def test_an_unknown_rfc_is_incomplete_and_an_impossible_one_malformed(rfc: str, status: str) -> None:
    pac = Pac([account()])
    async with calling(pac) as caller:
        assert (await caller.ask(rfc))["status"] == status
    assert pac.sent == {status: 1}
    assert not pac.wrong_logins


@pytest.mark.parametrize("missing", ["usuario", "password", "rfcEmisor"])
@pytest.mark.parametrize("form", ["absent", "empty", "nil"])
async def test_a_question_that_lacks_an_argument_is_incomplete(missing: str, form: str) -> None:
    nil = f'<ut:{missing} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>'
    instead = {"absent": "", "empty": f"<ut:{missing}/>", "nil": nil}[form]
    values = {"usuario": USER, "password": PASSWORD, "rfcEmisor": RFC}
    arguments = "".join(
        instead if name == missing else element(name, value) for name, value in values.items()
    )
    async with calling(Pac([account()])) as caller:
        assert (await caller.ask(body=envelope(arguments)))["status"] == "611"


async def test_a_failed_answer_shows_its_numbers_as_absent_nil_blank_or_zero() -> None:
    async with calling(Pac([account(state=605)])) as caller:
        answers = [await caller.ask() for _ in range(4)]
    assert all(answer["status"] == "605" for answer in answers)
    assert sum(b"disponibles" not in answer.body for answer in answers) == 1
    assert sum(b'xsi:nil="true"' in answer.body for answer in answers) == 1
    assert sum(b"disponibles></" in answer.body for answer in answers) == 1
    assert sum(b"disponibles>0</" in answer.body for answer in answers) == 1


async def test_one_connection_serves_many_calls() -> None:
    async with calling(Pac([account()])) as caller, caller.socket() as first:
        head = await first.readuntil(b"\r\n\r\n")
        assert b"Connection: close" not in head
        await first.readuntil(b"</soapenv:Envelope>")
        assert not first.at_eof()


async def test_it_serves_over_tls(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async with calling(Pac([account()]), contexts) as caller:
        assert caller.url.startswith("https://127.0.0.1:")
        assert (await caller.ask())["disponibles"] == "950"


# Logins


async def test_a_wrong_password_and_an_unknown_user_are_refused_alike() -> None:
    pac = Pac([account()])
    async with calling(pac) as caller:
        assert (await caller.ask(password="wrong"))["status"] == "601"
        assert (await caller.ask(username="nobody"))["status"] == "601"
        assert (await caller.ask())["status"] == "200"
    assert pac.logins == {USER: 2, "nobody": 1}
    assert pac.wrong_logins == {USER: 1, "nobody": 1}
    assert pac.sent == {"601": 2, "200": 1}


async def test_too_many_wrong_logins_lock_the_account_and_then_the_right_password_is_refused_too() -> None:
    pac = Pac([account()], lock_after=3)
    async with calling(pac) as caller:
        refused = [(await caller.ask(password="wrong"))["status"] for _ in range(4)]
        assert refused == ["601", "601", "601", "602"]
        assert (await caller.ask())["status"] == "602"
        assert (await caller.ask(POOL))["status"] == "602"
        pac.accounts[USER].state = 200
        assert (await caller.ask())["status"] == "200"
    assert pac.logins[USER] == 7
    assert pac.wrong_logins[USER] == 4


async def test_a_right_login_forgives_the_wrong_ones_before_it() -> None:
    pac = Pac([account()], lock_after=2)
    async with calling(pac) as caller:
        for _ in range(3):
            assert (await caller.ask(password="wrong"))["status"] == "601"
            assert (await caller.ask())["status"] == "200"
    assert pac.accounts[USER].failures == 0


@pytest.mark.parametrize("state", [602, 603, 604, 605, 633])
async def test_the_state_of_an_account_answers_a_right_login(state: int) -> None:
    async with calling(Pac([account(state=state)])) as caller:
        assert (await caller.ask())["status"] == str(state)


async def test_a_password_changed_at_the_pac_refuses_the_old_one() -> None:
    pac = Pac([account()])
    async with calling(pac) as caller:
        assert (await caller.ask())["status"] == "200"
        pac.rotate(USER, "new")
        assert (await caller.ask())["status"] == "601"
        assert (await caller.ask(password="new"))["status"] == "200"


async def test_many_calls_at_once_with_a_wrong_password_are_as_many_failed_logins() -> None:
    pac = Pac([account()], latency=0.001)
    async with calling(pac) as caller:
        await asyncio.gather(*(caller.ask(password="wrong") for _ in range(20)))
    assert pac.wrong_logins[USER] == 20
    assert pac.accounts[USER].state == 602


# Stamps


async def test_stamps_burn_by_the_clock_and_fractions_accumulate() -> None:
    clock = Clock()
    pac = Pac([account(issuers={RFC: Issuer(1000, burn=0.1)})], clock=clock)
    async with calling(pac) as caller:
        for _ in range(10):
            clock.now += 1
            answer = await caller.ask()
        assert answer.numbers == ("1000", "1", "999")
        clock.now += 1000
        assert (await caller.ask()).numbers == ("1000", "101", "899")


async def test_an_issuer_burns_out_and_is_told_631_until_somebody_buys() -> None:
    clock = Clock()
    issuer = Issuer(100, reserved=10, burn=1.0)
    pac = Pac([account(issuers={RFC: issuer}, pool=None)], clock=clock)
    async with calling(pac) as caller:
        clock.now += 500
        assert (await caller.ask())["status"] == "631"
        assert (issuer.used, issuer.available) == (90, 0)
        issuer.contracted += 50
        assert (await caller.ask()).numbers == ("150", "90", "50")


async def test_an_empty_pool_is_told_630_and_does_not_stop_its_issuers() -> None:
    async with calling(Pac([account(pool=Issuer(10, 10))])) as caller:
        assert (await caller.ask(POOL))["status"] == "630"
        assert (await caller.ask())["status"] == "200"


async def test_stamps_are_bought_as_often_as_the_mark_is_reached() -> None:
    clock = Clock()
    issuer = Issuer(100, burn=1.0, top_up=50, top_up_at=20)
    async with calling(Pac([account(issuers={RFC: issuer})], clock=clock)) as caller:
        clock.now += 79
        assert (await caller.ask()).numbers == ("100", "79", "21")
        clock.now += 1
        assert (await caller.ask()).numbers == ("150", "80", "70")
        clock.now += 1000
        assert (await caller.ask()).numbers == ("1150", "1080", "70")


async def test_more_reserved_than_there_are_leaves_none_rather_than_less() -> None:
    assert Issuer(10, 5, 20).available == 0


@given(
    st.lists(st.integers(0, 50)),
    st.integers(0, 400),
    st.integers(0, 24),
    st.integers(0, 30),
    st.integers(0, 30),
)
async def test_how_often_one_looks_changes_nothing(
    steps: list[int], stamps: int, eighths: int, top_up: int, top_up_at: int
) -> None:
    watched, alone = (Issuer(stamps, burn=eighths / 8, top_up=top_up, top_up_at=top_up_at) for _ in range(2))
    alone.settle(0)
    watched.settle(now := 0)
    for step in steps:
        watched.settle(now := now + step)
    alone.settle(now)
    assert (watched.contracted, watched.used) == (alone.contracted, alone.used)


# Questions that are not as they should be


@pytest.mark.parametrize(
    ("required", "sent", "told"),
    [
        ("urn:a", "urn:b", "namespace mismatch require urn:a found urn:b"),
        ("urn:a", "", "namespace mismatch require urn:a found none"),
        ("", "urn:b", "namespace mismatch. Axis Oepration expects non-namespace qualified element. But rec"),
    ],
)
async def test_a_mismatch_has_three_texts(required: str, sent: str, told: str) -> None:
    pac = Pac([account()], namespace=required)
    async with calling(pac) as caller:
        assert told.encode() in (await caller.ask(body=in_namespace(sent))).body
        assert (await caller.ask(body=in_namespace(required))).numbers == PLAIN
    assert pac.logins == {USER: 1}


def in_namespace(namespace: str) -> bytes:
    body = question().replace(NAMESPACE.encode(), namespace.encode())
    return body if namespace else body.replace(b' xmlns:ut=""', b"").replace(b"ut:", b"")


async def test_another_namespace_is_told_which_one_is_required() -> None:
    pac = Pac([account()], namespace="http://other.example")
    async with calling(pac) as caller:
        answer = await caller.ask()
    assert answer.status == 500
    assert f"namespace mismatch require http://other.example found {NAMESPACE}<".encode() in answer.body
    assert pac.sent == {"mismatch": 1}
    assert not pac.logins


@pytest.mark.parametrize("action", ["", "urn:timbrar", "urn:getTimbresImplementacion", "getTimbres"])
async def test_another_action_finds_no_operation(action: str) -> None:
    pac = Pac([account()])
    async with calling(pac) as caller:
        answer = await caller.ask(SOAPAction=action)
    assert answer.status == 500
    assert (
        b"The endpoint reference (EPR) for the Operation not found is /ws/services/Utilerias" in answer.body
    )
    assert pac.sent == {"epr": 1}
    assert not pac.logins


async def test_the_action_may_come_without_quotes() -> None:
    async with calling(Pac([account()])) as caller:
        assert (await caller.ask(SOAPAction="urn:getTimbres"))["status"] == "200"


async def test_another_service_is_not_found() -> None:
    async with calling(Pac([account()])) as caller:
        answer = await caller.send("POST", "/ws/services/Timbrado", data=question())
    assert answer.status == 500
    assert b"The service cannot be found for the endpoint reference (EPR) http" in answer.body


USUARIO, CLAVE, EMISOR = element("usuario", USER), element("password", PASSWORD), element("rfcEmisor", RFC)


@pytest.mark.parametrize(
    "body",
    [
        envelope(CLAVE + USUARIO + EMISOR),
        envelope(EMISOR + USUARIO + CLAVE),
        envelope(USUARIO + USUARIO + CLAVE + EMISOR),
        envelope(USUARIO + CLAVE + EMISOR).replace(b"ut:usuario", b"usuario"),
        envelope(USUARIO + CLAVE + EMISOR + element("more", "")),
        envelope(USUARIO + CLAVE + "<ut:rfcEmisor><ut:rfc/></ut:rfcEmisor>"),
        envelope(USUARIO + CLAVE + EMISOR, "getTimbresImplementacion"),
        envelope(USUARIO + CLAVE + EMISOR, "cancelar"),
        envelope(USUARIO + CLAVE + EMISOR, soap="http://www.w3.org/2003/05/soap-envelope"),
        f'<e:Envelope xmlns:e="{SOAP}"><e:Body/></e:Envelope>'.encode(),
        b'<!DOCTYPE a [<!ENTITY b "c">]>' + envelope(USUARIO + CLAVE + EMISOR),
        ('<!DOCTYPE a [<!ENTITY b "c">]>' + envelope(USUARIO + CLAVE + EMISOR).decode()).encode("utf-16"),
        envelope(USUARIO + CLAVE + EMISOR)[:-1],
        b"{}",
        b"",
    ],
)
async def test_a_question_that_does_not_follow_the_schema_is_a_fault_and_no_login(body: bytes) -> None:
    pac = Pac([account()])
    async with calling(pac) as caller:
        answer = await caller.ask(body=body)
    assert answer.status == 500
    assert b"<soapenv:Fault>" in answer.body
    assert not pac.logins
    assert not pac.calls


async def test_the_endpoint_takes_only_posts_of_xml_of_modest_size() -> None:
    pac = Pac([account()])
    async with calling(pac) as caller:
        got = await caller.send("GET", caller.url)
        assert (got.status, got.headers["Allow"]) == (405, "POST")
        assert b"<html>" in got.body
        assert (await caller.ask(Content_Type="application/soap+xml")).status == 415
        assert (await caller.ask(body=question() + b" " * 65536)).status == 413
        assert (await caller.ask(body=BytesIO(question() + b" " * 2_000_000))).status == 413
    assert not pac.logins


# Limits and faults


async def test_more_calls_at_once_than_licences_are_told_503_and_cost_no_login() -> None:
    pac = Pac([account(latency=60)], max_at_once=2)
    async with calling(pac) as caller:
        waiting = [asyncio.create_task(caller.ask()) for _ in range(2)]
        await until(lambda: pac.at_once == 2)
        assert (await caller.ask())["status"] == "503"
        assert pac.sent == {"503": 1}
        assert pac.logins[USER] == 2
        assert pac.most_at_once == 3
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await until(lambda: pac.at_once == 0)


async def test_the_narrowest_fault_counts_and_faults_can_be_changed_at_any_time() -> None:
    pac = Pac([account()], faults={"*": "500"})
    async with calling(pac) as caller:
        assert (await caller.ask())["status"] == "500"
        pac.faults[USER] = "501"
        assert (await caller.ask())["status"] == "501"
        pac.faults[RFC] = "502"
        assert (await caller.ask())["status"] == "502"
        assert (await caller.ask(AMPERSAND))["status"] == "501"
        pac.faults[POOL] = "200"
        assert (await caller.ask(POOL))["status"] == "200"
        del pac.faults["*"], pac.faults[USER]
        assert (await caller.ask(ENYE))["status"] == "200"
        pac.faults.clear()
        assert (await caller.ask())["status"] == "200"
    assert pac.sent == {"500": 1, "501": 2, "502": 1, "200": 3}


async def test_a_forced_refusal_touches_no_login() -> None:
    pac = Pac([account()], faults={"*": "601"})
    async with calling(pac) as caller:
        for _ in range(5):
            assert (await caller.ask(password="wrong"))["status"] == "601"
    assert not pac.logins
    assert pac.accounts[USER].failures == 0


async def test_an_answer_lost_on_its_way_has_cost_a_login_all_the_same() -> None:
    pac = Pac([account()], faults={"*": "close"})
    async with calling(pac) as caller:
        for _ in range(3):
            with pytest.raises(aiohttp.ClientError):
                await caller.ask(password="wrong")
        pac.faults.clear()
        assert (await caller.ask())["status"] == "602"


async def test_an_answer_that_nobody_stays_for_is_no_longer_under_way() -> None:
    pac = Pac([account()], faults={"*": "silent"})
    async with calling(pac) as caller:
        async with caller.socket():
            await until(lambda: pac.at_once == 1)
        await until(lambda: pac.at_once == 0)


@pytest.mark.parametrize(
    "name", ["", "typo", "http_99", "http_600", "slow:", "slow:x", "1000", "99", "http_503:\n"]
)
async def test_a_misspelt_fault_is_refused_with_the_list_of_names(name: str) -> None:
    with pytest.raises(UnknownFault, match="silent, drip"):
        Pac([], faults={"*": name})


# Every fault, over plain connections and over TLS

Check = Callable[[Pac, Caller], Awaitable[None]]
PLAIN = ("1000", "40", "950")


def vendor(code: str) -> Check:
    async def check(pac: Pac, caller: Caller) -> None:
        answer = await caller.ask()
        assert (answer.status, answer["status"]) == (200, code)
        assert dict(answer.fields).get("disponibles") in (None, "", "0")
        assert not pac.logins

    return check


def http(status: int, headers: dict[str, str]) -> Check:
    async def check(pac: Pac, caller: Caller) -> None:
        answer = await caller.ask()
        assert answer.status == status
        assert answer.headers["Content-Type"].startswith("text/html")
        assert answer.body.startswith(b"<!DOCTYPE html>")
        assert {name: answer.headers.get(name) for name in ("Retry-After", "Location")} == {
            "Retry-After": None,
            "Location": None,
        } | headers
        assert pac.followed == 0

    return check


def fault(text: str, kind: str = "text/xml") -> Check:
    async def check(pac: Pac, caller: Caller) -> None:
        answer = await caller.ask()
        assert answer.status == 500
        assert answer.headers["Content-Type"].startswith(kind)
        assert b"Fault>" in answer.body
        assert text.encode() in answer.body
        fromstring(answer.body)

    return check


def valid(*marks: bytes, kind: str = "text/xml") -> Check:
    """Looks different and says the same."""

    async def check(pac: Pac, caller: Caller) -> None:
        answer = await caller.ask()
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith(kind)
        assert answer["status"] == "200"
        assert answer.numbers == PLAIN
        assert all(mark in answer.body for mark in marks)
        assert pac.logins[USER] == 1

    return check


def holding(*marks: bytes, well_formed: bool = True, size: range = range(1, 65536)) -> Check:
    """HTTP is in order; what it carries holds these bytes."""

    async def check(pac: Pac, caller: Caller) -> None:
        answer = await caller.ask()
        assert answer.status == 200
        assert all(mark in answer.body for mark in marks)
        assert len(answer.body) in size
        if well_formed:
            fromstring(answer.body)
        else:
            with pytest.raises(ParseError):
                fromstring(answer.body)

    return check


def field(name: str, *values: str) -> Check:
    async def check(pac: Pac, caller: Caller) -> None:
        answer = await caller.ask()
        assert [value for found, value in answer.fields if found == name] == list(values)
        assert len(answer.fields) == 4 + len(values)

    return check


def encoded(coding: str, sound: Callable[[bytes], bool]) -> Check:
    async def check(pac: Pac, caller: Caller) -> None:
        answer = await caller.ask()
        assert answer.headers["Content-Encoding"] == coding
        assert len(answer.body) < 65536
        assert sound(answer.body)

    return check


def never(name: str) -> Check:
    """No answer: another whole call comes and goes, and this one still waits."""

    async def check(pac: Pac, caller: Caller) -> None:
        async with caller.socket() as reader:
            first = asyncio.create_task(reader.read(1))
            await until(lambda: pac.sent[name] == 1)
            pac.faults.clear()
            assert (await caller.ask())["status"] == "200"
            assert not first.done()
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)

    return check


async def drips(pac: Pac, caller: Caller) -> None:
    async with caller.socket() as reader:
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        assert await reader.readexactly(1) == b"<"
        rest = asyncio.create_task(reader.readexactly(size - 1))
        pac.faults.clear()
        assert (await caller.ask())["status"] == "200"
        assert not rest.done()
        rest.cancel()
        await asyncio.gather(rest, return_exceptions=True)


async def has_no_end(pac: Pac, caller: Caller) -> None:
    async with caller.socket() as reader:
        assert b"Transfer-Encoding: chunked" in await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(2 * 1024 * 1024)


async def is_reset(pac: Pac, caller: Caller) -> None:
    async with caller.socket() as reader:
        with pytest.raises(ConnectionResetError):
            await reader.read()


def bytes_then_close(sound: Callable[[bytes], bool]) -> Check:
    async def check(pac: Pac, caller: Caller) -> None:
        async with caller.socket() as reader:
            assert sound(await reader.read())

    return check


def stops_in_the_body(received: bytes) -> bool:
    head, _, body = received.partition(b"\r\n\r\n")
    return 0 < len(body) < int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])


async def has_a_huge_header(pac: Pac, caller: Caller) -> None:
    with pytest.raises(aiohttp.ClientError):
        await caller.ask()
    async with caller.socket() as reader:
        received = await reader.readexactly(100_000)
        assert b"X-Padding" in received
        assert b"\r\n\r\n" not in received


async def echoes(pac: Pac, caller: Caller) -> None:
    answer = await caller.ask()
    assert answer["status"] == "500"
    assert USER in answer["mensaje"]
    assert PASSWORD in answer["mensaje"]


def other(
    find: Callable[[Answer], str], status: int = 200, kind: str = "text/xml", coding: str = ""
) -> Check:
    """The whole reply in another form: what is found in it is the plain one, of refusals and of readings."""

    async def check(pac: Pac, caller: Caller) -> None:
        for password, code, number in ((PASSWORD, "200", "950"), ("wrong", "601", None)):
            answer = await caller.ask(password=password)
            assert (answer.status, answer.headers.get("Content-Encoding", "")) == (status, coding)
            assert answer.headers["Content-Type"].startswith(kind)
            found = find(answer)
            assert code in found
            assert number is None or number in found
        assert pac.logins[USER] == 2
        assert pac.wrong_logins[USER] == 1

    return check


def names(element: str, text: Callable[[Answer], str]) -> Callable[[Answer], str]:
    """The texts within the first element of that name, which is well-formed and has them all."""

    def find(answer: Answer) -> str:
        root = fromstring(text(answer))
        result = next(found for found in root.iter() if found.tag.rpartition("}")[2] == element)
        return " ".join(text.strip() for text in result.itertext())

    return find


def text_of(answer: Answer) -> str:
    return answer.body.decode()


def decoded(charset: str) -> Callable[[Answer], str]:
    """In another charset than the XML says, if it says one."""

    def find(answer: Answer) -> str:
        text = answer.body.decode(charset)
        assert "ó" in text or "ñ" in text
        assert "encoding" not in text or "encoding='UTF-8'" in text
        return text

    return find


def unpacked(answer: Answer) -> str:
    message = message_from_bytes(
        f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode() + answer.body
    )
    (root,) = (part for part in message.walk() if part["Content-ID"] == message.get_param("start"))
    return root.get_payload(decode=True).decode()


def referred(answer: Answer) -> str:
    root = fromstring(answer.body)
    parts = {part.get("id"): part for part in root.iter("multiRef")}
    (whole,) = (found for found in root.iter() if found.tag.endswith("Return"))
    fields = parts[whole.attrib["href"][1:]]
    return " ".join(
        (parts[field.attrib["href"][1:]] if "href" in field.attrib else field).text or "" for field in fields
    )


def mended(answer: Answer) -> str:
    with pytest.raises(ParseError):
        fromstring(answer.body)
    return html.unescape(answer.body.decode()).strip()


def status_of(pattern: str) -> Callable[[Answer], str]:
    """The code, written in that way, and the numbers."""

    def find(answer: Answer) -> str:
        code = next(code for code in ("200", "601") if pattern.format(code).encode() in answer.body)
        return f"{code} {dict(answer.fields).get('disponibles')}"

    return find


def refused(sound: Callable[[Answer], bool], *, tells: bool = False) -> Check:
    """A right login is told its stamps; of a wrong one the code is not told, or where nobody expects it."""

    async def check(pac: Pac, caller: Caller) -> None:
        assert (await caller.ask()).numbers == PLAIN
        answer = await caller.ask(password="wrong")
        assert sound(answer)
        assert (b">601<" in answer.body) == tells
        assert pac.wrong_logins[USER] == 1
        assert pac.followed == 0

    return check


def has(mark: str, status: int = 200, kind: str = "text/xml") -> Callable[[Answer], bool]:
    return lambda answer: (
        mark.encode() in answer.body
        and answer.status == status
        and answer.headers["Content-Type"].startswith(kind)
    )


def is_cut_gzip(body: bytes) -> bool:
    stream = zlib.decompressobj(wbits=31)
    text = stream.decompress(body)
    return text.startswith(b"<?xml") and b"status" not in text and not stream.eof


async def is_empty(pac: Pac, caller: Caller) -> None:
    answer = await caller.ask()
    assert (answer.status, answer.body) == (200, b"")


CHECKS: dict[str, Check] = {
    **{name: vendor(name) for name in FAULTS if name.isdigit()},
    **{f"http_{status}": http(status, {}) for status in (401, 403, 404, 407, 429, 500, 502, 503, 504)},
    "http_429:30": http(429, {"Retry-After": "30"}),
    "http_503:30": http(503, {"Retry-After": "30"}),
    **{
        f"redirect_{status}": http(status, {"Location": "/elsewhere"}) for status in (301, 302, 303, 307, 308)
    },
    "html": http(200, {}),
    "fault11": fault("<faultstring>unknown</faultstring>"),
    "fault12": fault("unknown</soapenv:Text>", "application/soap+xml"),
    "mismatch": fault(f"namespace mismatch require {NAMESPACE}/v2 found {NAMESPACE}<"),
    "epr": fault("The service cannot be found for the endpoint reference (EPR) http"),
    "echo": echoes,
    "slow:0.01": valid(),
    "slow:3": never("slow:3"),
    "silent": never("silent"),
    "drip": drips,
    "endless": has_no_end,
    "gzip": encoded("gzip", lambda body: len(zlib.decompress(body, wbits=31)) == 50 * 1024 * 1024),
    "brotli": encoded("br", lambda body: b"<" in body[1:] and not body.startswith(b"<")),
    "close": bytes_then_close(lambda received: received == b""),
    "reset": is_reset,
    "early": bytes_then_close(
        lambda received: received.startswith(b"HTTP/1.1 200") and received[-4:] == b"\r\n\r\n"
    ),
    "cut": bytes_then_close(stops_in_the_body),
    "not_http": bytes_then_close(lambda received: bool(received) and b"HTTP" not in received),
    "shuffled": valid(b"<!--", b"<![CDATA[950]]>", b"<?"),
    "latin1": valid(b"encoding='ISO-8859-1'", "éxito: año".encode("latin-1")),
    "utf16": valid("usados".encode("utf-16-le"), b"\xff\xfe"),
    "bom": valid(b"\xef\xbb\xbf<?xml"),
    "soap12": valid(b"http://www.w3.org/2003/05/soap-envelope", kind="application/soap+xml"),
    "script": valid(b"&lt;script&gt;alert(1)&lt;/script&gt;"),
    "huge": holding(size=range(2**20, 2**22)),
    "huge_header": has_a_huge_header,
    "doctype": holding(b"<!DOCTYPE", b"&l8;&l8;", b">&l9;<", well_formed=False),
    "xxe": holding(b'SYSTEM "file:///', b">&x;<", well_formed=False),
    "deep": holding(b"<a>" * 5000),
    "truncated": holding(b"usados>40</", well_formed=False),
    "empty": is_empty,
    "junk": holding(well_formed=False),
    "duplicate": field("usados", "40", "1"),
    "two_returns": holding(b"disponibles>950<", b"disponibles>1<"),
    "negative": field("usados", "-5"),
    "underscore": field("disponibles", "1_000"),
    "plus": field("disponibles", "+5"),
    "arabic": field("disponibles", "١٢٣٤"),
    "float": field("disponibles", "12.0"),
    "long": field("disponibles", "1000000000000"),
    "hex": field("disponibles", "0x1F"),
    "nested": holding(b"usados>1<b>2</b></"),
    "missing": field("disponibles"),
    "nil": holding(b'disponibles xsi:nil="true"/>'),
    "blank": field("disponibles", ""),
    "no_status": field("status"),
    "status_text": field("status", "abc"),
    "gzip_ok": other(names("return", lambda answer: gzip.decompress(answer.body).decode()), coding="gzip"),
    "encoding_utf8": other(names("return", text_of), coding="utf-8"),
    "latin1_undeclared": other(names("return", decoded("iso-8859-1")), kind="text/xml; charset=UTF-8"),
    "charset_header": other(names("return", decoded("iso-8859-1")), kind="text/xml; charset=ISO-8859-1"),
    "utf16_undeclared": other(names("return", decoded("utf-16-le"))),
    "space_before": other(names("return", mended)),
    "entities": other(names("return", mended)),
    "axis1": other(names("getTimbresReturn", text_of)),
    "axis1_multiref": other(referred),
    "dotnet": other(names("getTimbresResult", text_of)),
    "mtom": other(names("return", unpacked), kind="multipart/related; "),
    "mtom_base64": other(names("return", unpacked), kind="multipart/related; "),
    "zero_status": other(status_of("status>0{}<")),
    "plus_status": other(status_of("status> +{} <")),
    "http_400_soap": other(names("return", text_of), status=400),
    "gzip_cut": encoded("gzip", is_cut_gzip),
    "deflate": other(names("return", lambda answer: zlib.decompress(answer.body).decode()), coding="deflate"),
    "other_element": holding(b"codigo>200<", b"usados>40<"),
    "other_return": holding(b"<ns:resultado ", b"status>200<"),
    "json": other(
        lambda answer: str(json.loads(answer.body)["getTimbresResponse"]["return"]), kind="application/json"
    ),
    "escaped": other(names("return", lambda answer: fromstring(answer.body).text or "")),
    "code_606": refused(lambda answer: answer["status"] == "606"),
    "nested_refusal": refused(has("status>200<"), tells=True),
    "nested_500": refused(has("status>500<"), tells=True),
    "nested_code": refused(has("codigo>601<"), tells=True),
    "nil_status": refused(
        lambda answer: answer["status"] == "" and b'status xsi:nil="true"/>' in answer.body
    ),
    "fault_refusal": refused(has("<faultstring>El usuario o", 500)),
    "fault12_refusal": refused(has("soapenv:Sender<", 400, "application/soap+xml")),
    "html_refusal": refused(has("<form ", 200, "text/html")),
    "redirect_refusal": refused(has("<html>", 302, "text/html")),
    "status_500_html": refused(has("<html>", 500, "text/html")),
    "truncated_refusal": refused(lambda answer: answer.body.endswith(b"no son correctos.")),
    "empty_refusal": refused(lambda answer: (answer.status, answer.body) == (200, b"")),
}


async def test_every_fault_has_a_check_and_a_line_of_description() -> None:
    assert CHECKS.keys() == FAULTS.keys()
    assert all(summary and "\n" not in summary for summary in FAULTS.values())


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_does_what_its_name_says(
    name: str,
    scheme: str,
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
    caplog: pytest.LogCaptureFixture,
) -> None:
    pac = Pac([account()], faults={RFC: name})
    async with calling(pac, contexts if scheme == "https" else None) as caller:
        await CHECKS[name](pac, caller)
        assert pac.sent[name] >= 1
        pac.faults.clear()
        assert (await caller.ask()).numbers == PLAIN  # and has broken nothing for the next one
    await until(lambda: pac.at_once == 0)
    assert not caplog.records


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_strikes_whatever_the_answer_would_have_been(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    pac = Pac([account(password="another")], faults={"*": name}, lock_after=1)
    async with calling(pac) as caller, AsyncExitStack() as sockets:
        for _ in range(4):  # a failed answer has four looks
            await sockets.enter_async_context(caller.socket())
        await until(lambda: pac.sent[name] == 4)
        await caller.send("GET", "/")
    assert not caplog.records


async def test_whoever_follows_a_redirect_is_found_out() -> None:
    pac = Pac([account()])
    async with calling(pac) as caller:
        await caller.send("POST", "/elsewhere", data=question())
    assert pac.followed == 1


# Closing


@pytest.mark.parametrize("name", ["silent", "drip", "endless", "slow:3600", "200"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_closing_ends_the_calls_that_hang(
    name: str, scheme: str, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    pac = Pac([account()], faults={"*": name}, latency=3600 if name == "200" else 0)
    tls = contexts if scheme == "https" else None
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=contexts[1])) as session:
        async with pac.serve(ssl_context=tls[0] if tls else None) as url:
            caller = Caller(url, session, None)
            calls = [asyncio.create_task(caller.ask()) for _ in range(5)]
            await until(lambda: pac.at_once == 5)
        assert pac.at_once == 0
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(end, aiohttp.ClientError) for end in ended)
        with pytest.raises(aiohttp.ClientConnectorError):
            await caller.ask()


async def test_one_pac_can_serve_again_after_it_was_closed_and_remembers() -> None:
    pac = Pac([account()])
    for _ in range(2):
        async with calling(pac) as caller:
            await caller.ask()
    assert pac.calls[RFC] == 2


# The pages beside the endpoint


async def test_the_overview_lists_accounts_and_stamps_and_no_password() -> None:
    clock = Clock()
    pac = Pac([account(issuers={AMPERSAND: Issuer(2000, burn=1.0)})], clock=clock)
    clock.now += 500
    async with calling(pac) as caller:
        page = await caller.send("GET", "/")
    text = page.body.decode()
    assert page.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert USER in text
    assert AMPERSAND in text
    assert "1,500" in text
    assert PASSWORD not in text
    assert "/faults?target=TARGET&fault=FAULT" in text
    assert all(name in text for name in FAULTS)
    assert PASSWORD not in repr(pac.accounts)


@pytest.mark.parametrize("target", ["*", USER, RFC, AMPERSAND, ENYE, POOL])
async def test_a_fault_is_set_listed_and_cleared_over_http(target: str) -> None:
    pac = Pac([account()])
    async with calling(pac) as caller:
        assert (await caller.send("GET", "/faults")).body == b"no faults\n"
        answer = await caller.send("POST", "/faults", params={"target": target, "fault": "http_503:30"})
        assert answer.status == 200
        assert answer.body.decode() == f"{target}  http_503:30\n"
        assert pac.faults == {target: "http_503:30"}
        assert (await caller.send("POST", "/faults", params={"target": target, "fault": ""})).status == 200
    assert pac.faults == {}


@pytest.mark.parametrize(
    ("params", "listed"),
    [({"target": "*", "fault": "typo"}, "silent"), ({"target": "H", "fault": "500"}, AMPERSAND), ({}, RFC)],
)
async def test_an_unknown_fault_or_target_is_refused_with_the_list(
    params: dict[str, str], listed: str
) -> None:
    pac = Pac([account()])
    async with calling(pac) as caller:
        answer = await caller.send("POST", "/faults", params=params)
    assert answer.status == 400
    assert listed in answer.body.decode()
    assert pac.faults == {}


async def test_there_are_no_other_pages() -> None:
    async with calling(Pac([account()])) as caller:
        assert (await caller.send("GET", "/favicon.ico")).status == 404
        assert (await caller.send("POST", "/")).status == 405


async def test_it_imports_nothing_else_of_the_project() -> None:
    for path in Path(simulator.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert all(
                name.startswith("monitor.simulator") for name in names if name.startswith("monitor")
            ), path
