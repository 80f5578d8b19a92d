"""Whatever becomes of a refusal on its way, a wrong password reaches the PAC as rarely as the rules say."""

import asyncio
import gzip
import logging
import re
import tempfile
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hours import living
from tests.test_unreadable import GAPS, MINUTE, RFCS, configured
from tests.watching import Clock

GOOD = (
    '<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
    '<n:getTimbresResponse xmlns:n="n"><n:return><t:contratados xmlns:t="t">9</t:contratados>'
    '<t:disponibles xmlns:t="t">5</t:disponibles><t:status xmlns:t="t">200</t:status>'
    '<t:usados xmlns:t="t">4</t:usados></n:return></n:getTimbresResponse></e:Body></e:Envelope>'
)


@dataclass(frozen=True)
class Refusal:
    """A refusal, and what is done to it."""

    encoding: str  # of the bytes
    declared: str  # in the declaration of XML; "" for none
    charset: str  # in the header; "" for none
    content_type: str
    packing: str
    packed: str  # as the header says
    status: int
    envelope: str
    result: str
    field: str
    code: str
    outer: str  # a status in front of the result that holds the refusal; "" if the result is the outer one
    cut: float  # of the bytes, so much is left
    chunked: bool

    def answer(self) -> bytes:
        declaration = f'<?xml version="1.0" encoding="{self.declared}"?>' if self.declared else ""
        refusal = (
            "<t:mensaje xmlns:t='t'>El usuario o la contraseña no es correcta</t:mensaje>"
            f"<t:{self.field} xmlns:t='t'>{self.code}</t:{self.field}>"
        )
        if self.outer:
            outer = f"<t:status xmlns:t='t'>{self.outer}</t:status>"
            refusal = f"{outer}<t:resultados xmlns:t='t'>{refusal}</t:resultados>"
        text = (
            f'{declaration}<e:Envelope xmlns:e="{self.envelope}"><e:Body><n:getTimbresResponse xmlns:n="n">'
            f"<n:{self.result}>{refusal}</n:{self.result}>"
            "</n:getTimbresResponse></e:Body></e:Envelope>"
        )
        body = {"gzip": gzip.compress, "zlib": zlib.compress, "": bytes}[self.packing](
            text.encode(self.encoding)
        )
        body = body[: int(len(body) * self.cut)]
        head = [f"HTTP/1.1 {self.status} X", "Connection: close"]
        if self.content_type:
            charset = f"; charset={self.charset}" if self.charset else ""
            head.append(f"Content-Type: {self.content_type}{charset}")
        if self.packed:
            head.append(f"Content-Encoding: {self.packed}")
        if self.chunked:
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
            head.append("Transfer-Encoding: chunked")
        else:
            head.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*head, "", ""]).encode() + body


ENCODINGS = ("utf-8", "iso-8859-1", "windows-1252", "utf-16")

REFUSALS = st.builds(
    Refusal,
    encoding=st.sampled_from(ENCODINGS),
    declared=st.sampled_from([*ENCODINGS, "", "us-ascii", "utf-99"]),
    charset=st.sampled_from([*ENCODINGS, "", "nonsense"]),
    content_type=st.sampled_from(["text/xml", "application/soap+xml", "text/html", "multipart/related", ""]),
    packing=st.sampled_from(["", "", "gzip", "zlib"]),
    packed=st.sampled_from(["", "", "gzip", "br", "deflate", "utf-8", "identity"]),
    # 429 and 503 are the PAC's word that it is busy, and no word about the login.
    status=st.sampled_from([200, 200, 302, 400, 401, 404, 500, 502]),
    envelope=st.sampled_from(
        ["http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"]
    ),
    result=st.sampled_from(["return", "getTimbresReturn", "getTimbresResult", "resultado"]),
    field=st.sampled_from(["status", "Status", "codigo"]),
    code=st.sampled_from(["601", "0601", " +601 ", "604", "608", "633", "699", "-601", "", "NaN"]),
    outer=st.sampled_from(["", "", "200", "0200", "999"]),
    cut=st.sampled_from([1.0, 1.0, 1.0, 0.9, 0.5, 0.0]),
    chunked=st.booleans(),
)


class Pac:
    """It knows who may log in, and says no in one way only."""

    def __init__(self, clock: Clock, refusal: bytes) -> None:
        self.refused: set[str] = set()
        self.wrong_at: dict[str, list[float]] = defaultdict(list)
        self._clock = clock
        self._refusal = refusal

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        finally:
            server.close()
            await server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        assert length is not None
        body = await reader.readexactly(int(length[1]))
        user = re.search(rb"usuario>([^<]+)<", body)
        assert user is not None
        name = user[1].decode()
        if name in self.refused:
            self.wrong_at[name].append(self._clock.now)
            writer.write(self._refusal)
        else:
            good = GOOD.encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n" % len(good))
            writer.write(b"Connection: close\r\n\r\n" + good)
        writer.close()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(REFUSALS)
def test_an_hour_of_refusals_of_any_form(refusal: Refusal) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(an_hour(Path(folder), refusal))


async def an_hour(folder: Path, refusal: Refusal) -> None:
    clock = Clock()
    pac = Pac(clock, refusal.answer())
    sizes = {f"{history}{size}": RFCS[:size] for history in ("never", "before", "works") for size in (1, 8)}
    everybody = {"good": RFCS[:3], **sizes}
    async with pac.serve() as url:
        known = {name: mine for name, mine in everybody.items() if not name.startswith("never")}
        config = configured(folder, url, known)
        async with living(config, clock) as life:
            await life.pass_time(3 * MINUTE)
        configured(folder, url, everybody)
        pac.refused = {name for name in everybody if name.startswith(("never", "before"))}
        async with living(config, clock) as life:
            await life.pass_time(5 * MINUTE)
            pac.refused |= {name for name in everybody if name.startswith("works")}
            await life.pass_time(25 * MINUTE)
        async with living(config, clock) as life:
            await life.pass_time(30 * MINUTE)
            accounts = life.accounts()
    for name in sizes:
        times, account = pac.wrong_at[name], accounts[name]
        if account.hold is not None and account.hold.isdecimal():
            assert len(times) == 1, (name, times)  # it was read
        elif name.startswith("never"):
            assert 1 <= len(times) <= 2, (name, times)
            assert account.hold is not None, name
        else:
            gaps = [after - before for before, after in pairwise(times)][1:]
            assert 2 <= len(times) <= 7, (name, times)
            assert all(gap >= least for gap, least in zip(gaps, GAPS, strict=False)), (name, times)
            assert account.hold is None, name
    assert accounts["good"].hold is None
    assert not accounts["good"].unproven
