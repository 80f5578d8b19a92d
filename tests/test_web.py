"""What the service answers over HTTP: to whom, in which format, and that it never tells a secret."""

import asyncio
import base64
import gzip
import json
import re
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from html import escape as html_escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape as xml_escape

import aiohttp
import pytest
from aiohttp import web
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from structlog.testing import capture_logs

from monitor.config import Config, Fault, load
from monitor.metrics import Metrics
from monitor.simulator import Account, Issuer, Pac
from monitor.state import Snapshot
from monitor.web import application
from tests.service import Exposition, running
from tests.watching import EPOCH, FIRST, Page, Watched, account, ask, paying, watching, write

# In the order of their first turns.
THIRD = "H&E951128469"
RFC = "ÑAÑ010101AA1"
OTHER = "EKU9003173C9"
LABELS = {"account": "norte", "rfc": RFC}

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"

EVERY_ANSWER = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Server": "timbres-monitor",
}

PROMETHEUS_2 = (  # 2.42
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
PROMETHEUS_3_WITH_HISTOGRAMS = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
    + PROMETHEUS_3
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


def stamps(**rest: Any) -> Pac:
    return Pac([paying({RFC: Issuer(1000, 40, 10), OTHER: Issuer(7), THIRD: Issuer(8)})], **rest)


@asynccontextmanager
async def serving(
    directory: Path, *rfcs: object, pac: Pac | None = None, **rest: Any
) -> AsyncIterator[Watched]:
    """One account; nothing is asked until the clock moves."""
    told = rfcs or (RFC,)
    async with watching(directory, pac or stamps(), lambda url: [account(url, *told)], **rest) as watched:
        yield watched


def host_of(watched: Watched) -> str:
    return watched.monitor.address.removeprefix("http://")


# The format of the metrics


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (PROMETHEUS_2, OPENMETRICS),
        (PROMETHEUS_3, OPENMETRICS),
        (PROMETHEUS_3_WITH_HISTOGRAMS, OPENMETRICS),
        ("application/openmetrics-text;version=1.0.0", OPENMETRICS),
        ("application/openmetrics-text", OPENMETRICS),
        ("Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8", OPENMETRICS),
        ("text/plain;q=0.5, application/openmetrics-text;q=0.5", OPENMETRICS),
        ("text/plain;q=0.4,application/openmetrics-text;q=0.5", OPENMETRICS),
        ("text/plain;q=0.5,application/openmetrics-text;q=0.4", TEXT),
        ("application/openmetrics-text;q=0.9,text/plain;version=0.0.4", TEXT),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;q=0.0,*/*", TEXT),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        ("application/openmetrics-text;q=nonsense", TEXT),
        ("application/openmetrics-text;q=nan", TEXT),
        ("text/plain;version=0.0.4", TEXT),
        ("text/plain;version=1.0.0;escaping=allow-utf-8", TEXT),
        ("*/*", TEXT),
        (BROWSER, TEXT),
        ("application/json", TEXT),
        ("", TEXT),
        (None, TEXT),
        (",;,=;q=;;, \t,q=1", TEXT),
    ],
)
async def test_the_format_is_the_one_that_is_preferred(tmp_path: Path, accept: str | None, kind: str) -> None:
    async with serving(tmp_path) as watched:
        page = await watched.get("/metrics", **({} if accept is None else {"Accept": accept}))
    assert page.status == 200
    assert page.headers["Content-Type"] == kind
    assert page.headers["Vary"] == "Accept, Accept-Encoding"
    assert page.text.endswith("# EOF\n") == (kind == OPENMETRICS)
    if kind == OPENMETRICS:
        assert "timbres_up" in {family.name for family in parse_openmetrics(page.text)}
    else:
        assert Exposition(page.text)("timbres_up", **LABELS) == 0


async def test_headers_on_several_lines_are_one_list(tmp_path: Path) -> None:
    async with serving(tmp_path) as watched:
        page = await raw(
            watched.monitor.address,
            b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            b"Accept: text/plain;q=0.1\r\nAccept: application/openmetrics-text\r\n"
            b"Accept-Encoding: identity\r\nAccept-Encoding: gzip\r\n\r\n",
        )
    assert page.headers["Content-Type"] == OPENMETRICS
    assert gzip.decompress(page.body).endswith(b"# EOF\n")


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("GZip", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("gzip;q=0.001", True),
        ("br,gzip ; q=0.5", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000, identity", False),
        ("gzip; Q=0", False),
        ("gzip;q=nonsense", False),
        ("identity", False),
        ("br, zstd", False),
        ("gzippy", False),
        ("", False),
        (None, False),
    ],
)
async def test_the_page_is_compressed_for_whom_that_is_welcome(
    tmp_path: Path, accepted: str | None, compressed: bool
) -> None:
    async with serving(tmp_path) as watched:
        headers = {} if accepted is None else {"Accept_Encoding": accepted}
        page = await watched.get("/metrics", **headers)
    assert page.headers.get("Content-Encoding") == ("gzip" if compressed else None)
    assert page.headers["Content-Type"] == TEXT
    body = gzip.decompress(page.body) if compressed else page.body
    assert Exposition(body.decode())("timbres_up", **LABELS) == 0


@pytest.mark.parametrize(
    "path", ["/", "/metrics", "/api/v1/quotas", "/config", "/-/healthy", "/-/ready", "/nowhere"]
)
async def test_head_answers_like_get_without_the_body(tmp_path: Path, path: str) -> None:
    async with serving(tmp_path) as watched:
        got = await watched.get(path)
        page = await watched.get(path, "HEAD")
    assert page.body == b""
    assert page.status == got.status
    assert int(page.headers["Content-Length"]) > 0
    for name in ("Content-Type", *EVERY_ANSWER):
        assert page.headers[name] == got.headers[name]


# Who may ask


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8630",
        "LocalHost",
        "localhost.",
        "127.0.0.1",
        "127.0.0.1:8630",
        "192.0.2.7:80",
        "[::1]",
        "[::1]:8630",
        "[2001:DB8::7]:8630",
        "timbres.example",
        "TIMBRES.example:443",
        "timbres.example.:8630",
        "otro-host",
    ],
)
async def test_addresses_localhost_and_configured_names_are_answered(tmp_path: Path, host: str) -> None:
    async with serving(tmp_path, web={"hosts": ["Timbres.Example", "otro-host"]}) as watched:
        page = await watched.get("/-/healthy", Host=host)
    assert (page.status, page.text) == (200, "Healthy\n")


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("evil.example", "evil.example"),
        ("Evil.Example.:8630", "evil.example"),
        ("localhost.evil.example", "localhost.evil.example"),
        ("127.0.0.1.evil.example:80", "127.0.0.1.evil.example"),
        ("timbres.example.evil.example", "timbres.example.evil.example"),
        ("0x7f000001", "0x7f000001"),
        ("2130706433", "2130706433"),
        ("<script>", "<script>"),
        ("[::1", "[::1"),
    ],
)
@pytest.mark.parametrize("path", ["/metrics", "/nowhere"])
async def test_any_other_name_is_told_which_one_to_configure(
    tmp_path: Path, host: str, name: str, path: str
) -> None:
    async with serving(tmp_path, web={"hosts": ["timbres.example"]}) as watched:
        page = await watched.get(path, Host=host)
    assert page.status == 421
    assert page.text == f"Misdirected request: add {name} to web.hosts\n"
    assert page.headers["Content-Type"] == PLAIN


async def test_a_reload_changes_the_names(tmp_path: Path) -> None:
    async with serving(tmp_path, web={"hosts": ["old.example"]}) as watched:
        watched.tell(account(watched.endpoint, RFC), web={"hosts": ["new.example"]})
        assert (await watched.get("/-/healthy", Host="old.example")).status == 200
        assert await watched.monitor.reload() == ()
        assert (await watched.get("/-/healthy", Host="new.example")).status == 200
        page = await watched.get("/-/healthy", Host="old.example")
    assert (page.status, page.text) == (421, "Misdirected request: add old.example to web.hosts\n")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "https://evil.example:8630"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "nonsense"},
        {"Origin": "http://[evil"},
        {"Origin": "http://localhost"},  # another port is another site
        {"Origin": "http://HOST.evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "nonsense"},
        {"Origin": "http://HOST", "Sec_Fetch_Site": "same-site"},
        {"Origin": "http://evil.example", "Sec_Fetch_Site": "same-origin"},
    ],
)
@pytest.mark.parametrize("path", ["/-/reload", "/metrics", "/nowhere"])
async def test_another_site_may_change_nothing(tmp_path: Path, headers: dict[str, str], path: str) -> None:
    async with serving(tmp_path, web={"lifecycle": True}) as watched:
        watched.tell(account(watched.endpoint, RFC, OTHER))
        filled = {name: value.replace("HOST", host_of(watched)) for name, value in headers.items()}
        page = await watched.get(path, "POST", **filled)
        assert len(watched.monitor.config.targets) == 1
    assert (page.status, page.text) == (403, "Forbidden: sent by another site\n")
    assert page.headers["Content-Type"] == PLAIN


async def test_no_host_is_no_origin(tmp_path: Path) -> None:
    async with serving(tmp_path, web={"lifecycle": True}) as watched:
        page = await raw(
            watched.monitor.address,
            b"POST /-/reload HTTP/1.1\r\nHost: \r\nOrigin: null\r\nConnection: close\r\n\r\n",
        )
    assert page.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://HOST"},
        {"Origin": "https://HOST"},  # behind a proxy that speaks TLS
        {"Origin": "http://HOST", "Sec_Fetch_Site": "same-origin"},
        {"Sec_Fetch_Site": "none"},
        {"Origin": "https://timbres.example", "Host": "Timbres.Example"},
    ],
)
async def test_its_own_pages_and_programs_may_reload(tmp_path: Path, headers: dict[str, str]) -> None:
    async with serving(tmp_path, web={"lifecycle": True, "hosts": ["timbres.example"]}) as watched:
        watched.tell(account(watched.endpoint, RFC, OTHER), web={"lifecycle": True})
        filled = {name: value.replace("HOST", host_of(watched)) for name, value in headers.items()}
        page = await watched.get("/-/reload", "POST", **filled)
        assert (page.status, page.text) == (200, "Reloaded\n")
        scrape = await watched.metrics()
        assert scrape("timbres_up", account="norte", rfc=OTHER) == 0


async def test_a_page_of_another_site_may_link_here(tmp_path: Path) -> None:
    async with serving(tmp_path) as watched:
        page = await watched.get("/", Sec_Fetch_Site="cross-site", Origin="http://evil.example")
    assert page.status == 200
    assert "Access-Control-Allow-Origin" not in page.headers


# Reload


async def test_a_hundred_reloads_at_once_are_the_one_under_way_and_one_more(tmp_path: Path) -> None:
    async with watching(tmp_path, Pac([]), lambda url: [account(url, RFC)]) as watched:
        with capture_logs() as logs:
            first = asyncio.create_task(watched.monitor.reload())
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # it has begun, and may have read the file
            watched.tell(account(watched.endpoint, RFC, colour="red"))
            more = await asyncio.gather(*(watched.monitor.reload() for _ in range(99)))
            await first
    assert all(len(faults) == 1 for faults in more)  # each sees what was written before it asked
    events = [line["event"] for line in logs if "reloaded" in line["event"]]
    assert events in (
        ["configuration reloaded", "configuration not reloaded"],
        ["configuration not reloaded"] * 2,
    )


@pytest.mark.parametrize("listen", ["[::]:0", ":0"])
async def test_every_address_is_one_of_ipv4_and_of_ipv6(listen: str, tmp_path: Path) -> None:
    async with watching(
        tmp_path, Pac([]), lambda url: [account(url, RFC)], web={"listen": listen}
    ) as watched:
        port = watched.monitor.address.rpartition(":")[2]
        for address in ("127.0.0.1", "[::1]"):
            assert (await ask(watched.http, f"http://{address}:{port}/-/healthy")).status == 200


async def test_without_lifecycle_a_reload_is_refused_with_a_hint(tmp_path: Path) -> None:
    async with serving(tmp_path) as watched:
        watched.tell(account(watched.endpoint, OTHER))
        page = await watched.get("/-/reload", "POST")
        assert [target.rfc for target in watched.monitor.config.targets] == [RFC]
    assert (page.status, page.text) == (403, "Forbidden: set web.lifecycle to true to allow it\n")


async def test_a_reload_can_take_lifecycle_away(tmp_path: Path) -> None:
    async with serving(tmp_path, web={"lifecycle": True}) as watched:
        watched.tell(account(watched.endpoint, RFC))
        assert (await watched.get("/-/reload", "POST")).status == 200
        assert (await watched.get("/-/reload", "POST")).status == 403


async def test_a_broken_file_changes_nothing_until_it_is_repaired(tmp_path: Path) -> None:
    async with serving(tmp_path, web={"lifecycle": True}) as watched:
        before = await watched.first_polls(1)
        assert before("timbres_config_last_reload_success_timestamp_seconds") == EPOCH
        good = watched.path.read_text()
        watched.path.write_text(good.replace(RFC, "EKU9013173C9").replace('"web"', '"wep"'))
        watched.clock.now += 10

        page = await watched.get("/-/reload", "POST")
        assert page.status == 500
        assert page.headers["Content-Type"] == PLAIN
        first, *faults = page.text.splitlines()
        assert first == "Not reloaded, nothing changed:"
        assert len(faults) == 2
        for fault, word in zip(faults, ("'wep'", "rfc"), strict=True):
            assert re.match(rf"{re.escape(str(watched.path))}:\d+:\d+: .*{word}", fault), fault

        scrape = await watched.metrics()
        assert scrape("timbres_config_last_reload_successful") == 0
        assert scrape("timbres_config_last_reload_success_timestamp_seconds") == EPOCH
        per_target = re.compile(r"timbres_.*\{.*")
        assert per_target.findall(scrape.text) == per_target.findall(before.text)

        watched.path.write_text(good)
        assert (await watched.get("/-/reload", "POST")).status == 200
        scrape = await watched.metrics()
        assert scrape("timbres_config_last_reload_successful") == 1
        assert scrape("timbres_config_last_reload_success_timestamp_seconds") == EPOCH + FIRST + 10
        assert scrape("timbres_available", **LABELS) == 950


async def test_a_file_that_is_gone_is_a_fault_like_any_other(tmp_path: Path) -> None:
    async with serving(tmp_path, web={"lifecycle": True}) as watched:
        watched.path.unlink()
        page = await watched.get("/-/reload", "POST")
        assert page.status == 500
        assert "cannot be read" in page.text
        assert (await watched.metrics())("timbres_config_last_reload_successful") == 0


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/-/reload", "POST"),
        ("HEAD", "/-/reload", "POST"),
        ("DELETE", "/-/reload", "POST"),
        ("POST", "/metrics", "GET,HEAD"),
        ("PUT", "/config", "GET,HEAD"),
    ],
)
async def test_another_method_is_told_the_right_one(
    tmp_path: Path, method: str, path: str, allowed: str
) -> None:
    async with serving(tmp_path, web={"lifecycle": True}) as watched:
        watched.tell(account(watched.endpoint, OTHER))
        page = await watched.get(path, method)
        assert [target.rfc for target in watched.monitor.config.targets] == [RFC]
    assert page.status == 405
    assert page.headers["Allow"] == allowed
    assert page.headers["Content-Type"] == PLAIN
    assert page.text == ("" if method == "HEAD" else "405: Method Not Allowed\n")


@pytest.mark.parametrize("path", ["/nowhere", "/metrics/", "//metrics", "/<script>", "/%00"])
async def test_an_unknown_path_is_not_found_in_plain_text(tmp_path: Path, path: str) -> None:
    async with serving(tmp_path) as watched:
        page = await watched.get(path, Accept="text/html")
    assert (page.status, page.text) == (404, "404: Not Found\n")
    assert page.headers["Content-Type"] == PLAIN


# What every answer carries


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/quotas.csv", {}, 200),
        ("GET", "/static/page.js", {}, 200),
        ("GET", "/metrics", {}, 200),
        ("GET", "/api/v1/quotas", {}, 200),
        ("GET", "/config", {}, 200),
        ("GET", "/-/healthy", {}, 200),
        ("GET", "/-/ready", {}, 200),
        ("POST", "/-/reload", {}, 403),
        ("POST", "/-/reload", {"Origin": "http://[evil"}, 403),
        ("GET", "/-/reload", {}, 405),
        ("GET", "/nowhere", {}, 404),
        ("OPTIONS", "/metrics", {}, 405),
        ("GET", "/metrics", {"Host": "evil.example"}, 421),
        ("GET", "/metrics", {"Expect": "the unexpected"}, 417),
    ],
)
async def test_every_answer_carries_the_headers_that_protect_browsers(
    tmp_path: Path, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    async with serving(tmp_path) as watched:
        page = await watched.get(path, method, **headers)
    assert page.status == status
    assert {name: page.headers[name] for name in EVERY_ANSWER} == EVERY_ANSWER
    assert "aiohttp" not in str(page.headers)


# Health


async def test_healthy_and_ready_while_the_pac_is_down(tmp_path: Path) -> None:
    async with serving(tmp_path, pac=stamps(faults={"*": "http_500"})) as watched:
        await watched.first_polls(1)
        for path, text in (("/-/healthy", "Healthy\n"), ("/-/ready", "Ready\n")):
            page = await watched.get(path)
            assert (page.status, page.text, page.headers["Content-Type"]) == (200, text, PLAIN)


# Numbers as JSON


def rfcs(page: Page) -> dict[tuple[str, str], dict[str, Any]]:
    assert page.headers["Content-Type"] == "application/json; charset=utf-8"
    return {(entry["account"], entry["rfc"]): entry for entry in json.loads(page.body)["quotas"]}


def thresholds(warning: int | None, critical: int | None) -> dict[str, int | None]:
    return {"warning": warning, "critical": critical}


async def test_quotas_hold_what_is_known_of_each_target_and_null_for_the_rest(tmp_path: Path) -> None:
    told = (
        {
            "rfc": RFC,
            "alias": 'Herrerías "y" <b>',
            "expires_on": "2027-01-31",
            "thresholds": {"warning": {"ratio": 0.29}},
        },
        {"rfc": OTHER, "thresholds": {"warning": {"available": None}, "critical": {"available": None}}},
        THIRD,
    )
    pac = stamps(faults={OTHER: "612", THIRD: "631"})
    async with serving(tmp_path, *told, pac=pac) as watched:
        unknown = rfcs(await watched.get("/api/v1/quotas"))
        assert all(EPOCH <= one.pop("next_poll") <= EPOCH + FIRST for one in unknown.values())
        await watched.first_polls(3)
        page = await watched.get("/api/v1/quotas")
    at = EPOCH + FIRST
    nothing = {
        "alias": "",
        "level": "unknown",
        "contracted": None,
        "used": None,
        "available": None,
        "days_left": None,
        "days_left_thresholds": {"warning": 10.0, "critical": 3.0},
        "peak_day": None,
        "forecast_at": None,
        "expires_at": None,
        "up": False,
        "held": False,
        "last_success": None,
        "age": None,
        "last_error": None,
    }
    named = {"alias": 'Herrerías "y" <b>', "expires_at": 1801461600.0}
    first, second, third = (("norte", rfc) for rfc in (RFC, OTHER, THIRD))
    keys = {key: dict(zip(("account", "rfc"), key, strict=True)) for key in (first, second, third)}
    assert unknown == {
        first: keys[first] | nothing | named | {"thresholds": thresholds(50, 10)},
        second: keys[second] | nothing | {"thresholds": thresholds(None, None)},
        third: keys[third] | nothing | {"thresholds": thresholds(50, 10)},
    }
    assert json.loads(page.body)["at"] == at
    assert list(rfcs(page)) == [first, second, third]
    assert "Herrerías" in page.text
    assert json.loads(page.body)["accounts"] == [
        {
            "name": "norte",
            "hold": None,
            "held_at": None,
            "released_at": None,
            "unproven": False,
            "next_call": None,
            "last_answer": None,
            "set_aside": [],
        }
    ]
    found = rfcs(page)
    assert [one.pop("next_poll") for one in found.values()] == [at + 900] * 3
    error = found[second].pop("last_error")
    assert (error["at"], error["reason"], error["code"]) == (at, "rejected", "612")
    assert "malformed" in error["text"]
    seen = {"up": True, "last_success": at, "age": 0.0}
    assert found[first] == unknown[first] | seen | {
        "contracted": 1000,
        "used": 40,
        "available": 950,
        "level": "ok",
        "thresholds": thresholds(290, 10),
    }
    assert found[second] == {name: value for name, value in unknown[second].items() if name != "last_error"}
    assert found[third] == unknown[third] | seen | {"available": 0, "level": "critical"}


async def test_quotas_that_expired_are_null_and_what_happened_stays(tmp_path: Path) -> None:
    async with serving(tmp_path, poll={"expire_after": "2h"}) as watched:
        await watched.first_polls(1)
        watched.pac.faults["*"] = "501"
        watched.clock.now += 7199
        await watched.until(lambda m: m("timbres_polls_total", **LABELS) == 2)
        (still,) = rfcs(await watched.get("/api/v1/quotas")).values()
        watched.clock.now += 2
        (expired,) = rfcs(await watched.get("/api/v1/quotas")).values()
        scrape = await watched.metrics()
    assert (still["contracted"], still["used"], still["available"]) == (1000, 40, 950)
    assert still.pop("age") == 7199
    assert expired.pop("age") == 7201
    assert expired == still | {"contracted": None, "used": None, "available": None}
    assert expired["last_success"] == EPOCH + FIRST
    assert expired["up"] is False
    assert expired["last_error"]["reason"] == "unavailable"
    assert scrape("timbres_available", **LABELS) is None
    assert scrape("timbres_last_success_timestamp_seconds", **LABELS) == EPOCH + FIRST


# Secrets


def forms(secret: str) -> set[str]:
    """What a secret may look like in a text."""
    return {
        secret,
        base64.b64encode(secret.encode()).decode(),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        xml_escape(secret),
        html_escape(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    }


async def test_no_page_and_no_line_of_the_log_tells_a_password(tmp_path: Path) -> None:
    literal, filed, told, via = 'l<&>"t ñ+/1', "f1le/p&ss'w%rd", "env <pass> wörd", "pr0xy secret"
    issuers = {RFC: Issuer(1000)}
    pac = Pac(
        [
            Account("ws@literal.example", literal, issuers),
            Account("ws@file.example", filed, issuers),
            Account("ws@env.example", "changed at the PAC", issuers),
            Account("ws@proxy.example", "seen by nobody", issuers),
        ],
        faults={"ws@literal.example": "echo"},
    )
    (tmp_path / "secret").write_text(filed + "\n")
    config = tmp_path / "config.yaml"
    fast = {"interval": "1s"}
    async with pac.serve() as url:
        accounts = [
            account(url, RFC, name="literal", username="ws@literal.example", password=literal, **fast),
            account(url, RFC, name="file", username="ws@file.example", password={"file": "secret"}, **fast),
            account(url, RFC, name="env", username="ws@env.example", password={"env": "TOLD"}, **fast),
            account(
                "http://127.0.0.1:9/x",
                RFC,
                name="proxy",
                username="ws@proxy.example",
                password="seen by nobody",
                proxy=f"http://someone:{quote(via)}@127.0.0.1:9",
                **fast,
            ),
        ]
        write(config, *accounts, web={"lifecycle": True})
        async with running(config, env={"TOLD": told}) as service:
            await service.until(
                lambda m: (
                    m.total("timbres_poll_errors_total", account="literal")
                    and m.total("timbres_up", account="file")
                    and m.total("timbres_account_held", account="env")
                    and m.total("timbres_poll_errors_total", account="proxy")
                )
            )
            pages = [
                await ask(service.http, service.address + path)
                for path in ("/", "/metrics", "/api/v1/quotas", "/config")
            ]
            # A broken file quotes nothing of itself either.
            config.write_text(
                config.read_text().replace('"password": "l', '"pasword": "l').replace('"rfcs"', '"rfc"')
            )
            pages.append(await ask(service.http, service.address + "/-/reload", "POST"))
            assert pages[-1].status == 500
            assert await service.stop() == 0
            texts = {**{page.text: "page" for page in pages}, "\n".join(service.log): "log"}
    assert "ws@file.example" in pages[3].text
    assert pages[3].text.count("<secret>") == 5
    echoed = rfcs(pages[2])["literal", RFC]["last_error"]
    assert (echoed["code"], pac.sent["echo"] > 0) == ("500", True)
    for text in texts:
        for secret in (literal, filed, told, via, "seen by nobody"):
            assert not [form for form in forms(secret) if form in text]


# Faults of ours


class Broken:
    """A monitor whose every part tells a secret when it fails."""

    version = "1.0"
    ready = False
    trouble = ""

    def __init__(self, config: Config, snapshot: Callable[[], Snapshot]) -> None:
        self.config = config
        self.metrics = Metrics(self.version)
        self.renderer = ThreadPoolExecutor(1)
        self.snapshot = snapshot
        self.begun = asyncio.Event()
        self.begun.set()

    async def started(self) -> None:
        await self.begun.wait()

    def due(self, key: tuple[str, str]) -> float | None:
        raise KeyError("hunter2")

    async def reload(self) -> tuple[Fault, ...]:
        raise KeyError("hunter2")


@asynccontextmanager
async def pretending(
    directory: Path, snapshot: Callable[[], Snapshot], begun: asyncio.Event | None = None
) -> AsyncIterator[Callable[..., Any]]:
    """The web application over such a monitor; yields how to ask it."""
    path = directory / "config.yaml"
    write(path, account("http://127.0.0.1:9/x", RFC), web={"lifecycle": True})
    monitored = Broken(load(path), snapshot)
    monitored.begun = begun or monitored.begun
    runner = web.AppRunner(application(monitored))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = "http://{}:{}".format(*runner.addresses[0][:2])
    try:
        async with aiohttp.ClientSession() as http:

            async def get(path: str, method: str = "GET") -> Page:
                return await ask(http, address + path, method, {"Accept": "text/html"})

            yield get
    finally:
        await runner.cleanup()
        monitored.renderer.shutdown()


def fail() -> Snapshot:
    raise RuntimeError("hunter2")


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/", "RuntimeError"),
        ("GET", "/metrics", "RuntimeError"),
        ("GET", "/api/v1/quotas", "RuntimeError"),
        ("POST", "/-/reload", "KeyError"),
    ],
)
async def test_a_fault_of_ours_is_named_in_the_log_and_nowhere_else(
    tmp_path: Path, method: str, path: str, kind: str
) -> None:
    with capture_logs() as logs:
        async with pretending(tmp_path, fail) as get:
            page = await get(path, method)
    assert (page.status, page.text) == (500, "Internal error: see the log\n")
    assert page.headers["Content-Type"] == PLAIN
    assert {name: page.headers[name] for name in EVERY_ANSWER} == EVERY_ANSWER
    (line,) = logs
    assert (line["event"], line["path"]) == ("internal error", path)
    assert re.fullmatch(rf"{kind} at .*test_web\.py:\d+", line["error"])
    assert "hunter2" not in str(logs)


async def test_what_keeps_the_database_away_is_said_by_who_asks_whether_it_is_ready(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    state = {"state": {"url": f"sqlite:///{tmp_path}/file/timbres.db"}}
    pac = Pac([paying({RFC: Issuer(500, 100)})])
    async with watching(tmp_path, pac, lambda url: [account(url, RFC)], **state) as watched:
        page = await watched.get("/-/ready")
        assert (page.status, page.text) == (
            503,
            f"Not ready: {tmp_path}/file/timbres.db.lock: Not a directory\n",
        )
        (tmp_path / "file").unlink()
        (tmp_path / "file").mkdir()
        async with asyncio.timeout(10):
            while (await watched.get("/-/ready")).text != "Ready\n":
                await asyncio.sleep(0.1)


async def test_healthy_and_not_ready_while_nothing_else_works(tmp_path: Path) -> None:
    async with pretending(tmp_path, fail) as get:
        assert (await get("/-/healthy")).status == 200
        page = await get("/-/ready")
    assert (page.status, page.text) == (503, "Not ready: still loading\n")


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/quotas"])
async def test_a_snapshot_is_taken_where_no_reload_can_come_between(tmp_path: Path, path: str) -> None:
    threads = []

    def snapshot() -> Snapshot:
        threads.append(threading.current_thread())
        return Snapshot(EPOCH, 60.0, (), {}, (), ())

    async with pretending(tmp_path, snapshot) as get:
        assert (await get(path)).status == 200
    assert threads == [threading.current_thread()]  # that of the event loop


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/quotas"])
async def test_while_it_starts_a_page_waits_and_its_health_is_told(tmp_path: Path, path: str) -> None:
    begun = asyncio.Event()
    empty = Snapshot(EPOCH, 60.0, (), {}, (), ())
    async with pretending(tmp_path, lambda: empty, begun) as get:
        asked = asyncio.create_task(get(path))
        assert (await get("/-/ready")).status == 503
        assert (await get("/-/healthy")).status == 200
        assert not asked.done()
        begun.set()
        assert (await asked).status == 200


# Bytes that are no request


async def raw(address: str, sent: bytes) -> Page:
    """What comes back for these bytes, until the other side closes."""
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(sent)
        async with asyncio.timeout(20):
            got = await reader.read()
    finally:
        writer.close()
    head, _, body = got.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return Page(int(status.split()[1]), headers, body)


MALFORMED = {
    "garbage": b"garbage\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a huge header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"hunter2 " * 4000 + b"\r\n\r\n",
    "a huge path": b"GET /" + b"hunter2" * 4000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    "no URL": b"GET http://[hunter2/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "bytes in the path": b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a negative length": b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
    "no chunk": b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "an origin that is none": b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nOrigin: http://[hunter2\r\n"
    b"Connection: close\r\n\r\n",
    "a host that is no text": b"GET / HTTP/1.1\r\nHost: e\xff\xfevil\r\nConnection: close\r\n\r\n",
    "a body that is no gzip": b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\n"
    b"Content-Length: 5\r\nConnection: close\r\n\r\nabcde",
}


async def test_what_is_no_request_is_refused_without_a_traceback(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    write(config, account("http://127.0.0.1:9/x", RFC))
    async with running(config) as service:
        for name, sent in MALFORMED.items():
            page = await raw(service.address, sent)
            assert 400 <= page.status < 500, name
            assert page.headers["Content-Type"].startswith("text/plain"), name
        # One who leaves in the middle:
        host, port = service.address.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /metrics HTTP/1.1\r\nHo")
        writer.close()
        assert (await service.metrics())("timbres_up", **LABELS) == 0
        assert await service.stop() == 0
        log = "\n".join(service.log)
    assert "Traceback" not in log
    assert 'File "' not in log
    assert "hunter2" not in log
