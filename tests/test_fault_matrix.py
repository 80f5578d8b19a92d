"""Every row and sentence of the wire's description, over real sockets, all accounts at once.

One service watches one account for each fault. Every account has two RFCs: when both have a reading,
the fault strikes one of them.
"""

import asyncio
import json
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from monitor.simulator import FAULTS, Account, Issuer, Pac
from tests.issuers import rfcs, write
from tests.service import Exposition, Service, running

GOOD = "EKU9003173C9"
PASSWORD = "p&ss <wörd>"
BADS = dict(zip(FAULTS, rfcs(), strict=False))


class Row(NamedTuple):
    """What a fault must become: `reason` is empty for a reading."""

    reason: str
    code: str


def row(reason: str, code: str, *faults: str) -> dict[str, Row]:
    return {fault: Row(reason, code) for fault in faults}


MATRIX: dict[str, Row] = {
    # status codes
    **{code: Row("", code) for code in ("630", "631")},
    **{code: Row("unavailable", code) for code in ("500", "501", "502")},
    **{code: Row("busy", code) for code in ("503", "632")},
    **{code: Row("refused", code) for code in ("601", "602", "603", "604", "605", "633")},
    **{code: Row("rejected", code) for code in ("611", "612", "624")},
    **{code: Row("garbled", code) for code in ("299", "999")},
    **row("unavailable", "500", "echo"),
    # SOAP faults
    **row("unavailable", "fault", "fault11", "fault12"),
    **row("rejected", "fault", "mismatch", "epr"),
    # HTTP without SOAP
    **{f"http_{code}": Row("unavailable", f"http_{code}") for code in (401, 403, 407, 500, 502, 504)},
    **{f"http_{code}": Row("busy", f"http_{code}") for code in (429, 503)},
    **{f"http_{code}:30": Row("busy", f"http_{code}") for code in (429, 503)},
    **row("garbled", "http_404", "http_404"),
    **{f"redirect_{code}": Row("garbled", "redirect") for code in (301, 302, 303, 307, 308)},
    **row("garbled", "not_soap", "html", "empty", "junk", "truncated", "not_http", "huge_header"),
    **row(
        "garbled", "not_soap", "brotli", "doctype", "xxe", "deep", "gzip_cut", "deflate", "json", "escaped"
    ),
    **row("garbled", "too_large", "huge", "endless", "gzip"),
    # the wire
    **row("unavailable", "timeout", "silent", "drip", "slow:3"),
    **row("unavailable", "reset", "reset", "close", "early", "cut"),
    # numbers
    **row("garbled", "200", "duplicate", "negative", "underscore", "plus", "arabic", "float", "long"),
    **row("garbled", "200", "hex", "nested", "missing", "nil", "blank"),
    **row("garbled", "other", "no_status", "status_text", "two_returns", "other_element", "other_return"),
    # what must be read
    **row("", "200", "shuffled", "latin1", "utf16", "bom", "soap12", "script", "slow:0.01"),
    **row("", "200", "latin1_undeclared", "charset_header", "utf16_undeclared", "entities", "space_before"),
    **row("", "200", "axis1", "axis1_multiref", "dotnet", "mtom", "mtom_base64", "gzip_ok", "encoding_utf8"),
    **row("", "200", "zero_status", "plus_status", "http_400_soap"),
    # what hides refusals only: see test_unreadable
    **row("", "200", "code_606", "fault_refusal", "fault12_refusal", "html_refusal", "redirect_refusal"),
    **row("", "200", "truncated_refusal", "empty_refusal", "status_500_html", "nil_status"),
    **row("", "200", "nested_refusal", "nested_500", "nested_code"),
}

#: Reasons of turns that were not used.
UNSENT = {"held", "waiting"}

#: Perhaps of a firewall, perhaps of the PAC: what comes after the wait goes out alone.
CLOSED = {"http_401", "http_403", "http_407"}

#: What strikes before the credential has ever worked, and the code that holds it, if it does.
FIRST = {
    "http_401": "http_401",
    "http_403": "http_403",
    "http_407": "http_407",
    "601": "601",
    "633": "633",
    "http_404": None,
    "500": None,
    "fault11": None,
    "html": None,
    "status_text": None,
    "611": None,
}


@dataclass
class Seen:
    """What the scenario saw."""

    before: Exposition
    after: Exposition
    quotas: dict[tuple[str, str], dict[str, Any]]
    log: list[str]
    pac: Pac
    calls_when_held: dict[str, int]
    calls_later: dict[str, int]
    struck_at: float
    first: Pac


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return asyncio.run(scenario(tmp_path_factory.mktemp("matrix")))


async def scenario(folder: Path) -> Seen:
    pac = Pac([Account(f"user-{fault}", PASSWORD, _issuers(bad)) for fault, bad in BADS.items()])
    first = Pac([Account(f"first-{fault}", PASSWORD, _issuers(BADS[fault])) for fault in FIRST])
    first.faults = {f"first-{fault}": fault for fault in FIRST}
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(pac.serve("0.0.0.0"))
        first_url = await stack.enter_async_context(first.serve("0.0.0.0"))
        accounts = [
            # An address of its own for each: one that is busy must not slow the others down.
            _account(fault, _at(url, number), f"user-{fault}", [GOOD, bad])
            for number, (fault, bad) in enumerate(BADS.items())
        ]
        accounts += [
            _account(f"first-{fault}", _at(first_url, number), f"first-{fault}", [GOOD, BADS[fault]])
            for number, fault in enumerate(FIRST)
        ]
        config = {
            "web": {"listen": "127.0.0.1:0"},
            "poll": {"interval": "1s", "timeout": "2s"},
            "accounts": accounts,
        }
        service = await stack.enter_async_context(running(write(folder / "config.yaml", config)))
        before = await service.until(
            lambda scrape: all(scrape("timbres_up", account=f, rfc=r) for f in BADS for r in (GOOD, BADS[f])),
            seconds=60,
        )
        struck_at = await _now(service)
        pac.faults = {bad: fault for fault, bad in BADS.items()}
        await service.until(lambda scrape: all(_struck(before, scrape, f) for f in BADS), seconds=60)
        held = {f: pac.calls[BADS[f]] for f in BADS}
        after = await service.until(lambda scrape: all(_paced(before, scrape, f) for f in BADS), seconds=60)
        async with service.http.get(f"{service.address}/api/v1/quotas") as response:
            quotas = {(q["account"], q["rfc"]): q for q in (await response.json())["quotas"]}
        assert await service.stop() == 0
        later = {f: pac.calls[BADS[f]] for f in BADS}
    return Seen(before, after, quotas, service.log, pac, held, later, struck_at, first)


def _issuers(bad: str) -> dict[str, Issuer]:
    return {GOOD: Issuer(1000, 100), bad: Issuer(5000, 1200, reserved=50)}


def _at(url: str, number: int) -> str:
    return url.replace("0.0.0.0", f"127.0.1.{number + 1}")


def _account(name: str, endpoint: str, username: str, targets: list[str], **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "endpoint": endpoint,
        "username": username,
        "password": PASSWORD,
        "rfcs": targets,
        **more,
    }


async def _now(service: Service) -> float:
    async with service.http.get(f"{service.address}/api/v1/quotas") as response:
        return float((await response.json())["at"])


def _polls(scrape: Exposition, account: str, rfc: str) -> float:
    return scrape("timbres_polls_total", account=account, rfc=rfc) or 0.0


def _struck(before: Exposition, scrape: Exposition, fault: str) -> bool:
    # Two polls: the one under way when the fault was set, and the one that met it.
    wanted = 1 if ":30" in fault or MATRIX[fault].code in ("http_401", "http_403", "http_407") else 2
    return bool(scrape("timbres_account_held", account=fault)) or (
        _polls(scrape, fault, BADS[fault]) >= _polls(before, fault, BADS[fault]) + wanted
    )


def _stops_the_account(fault: str) -> bool:
    return (
        MATRIX[fault].reason == "refused" or ":30" in fault or fault in ("http_401", "http_403", "http_407")
    )


def _paced(before: Exposition, scrape: Exposition, fault: str) -> bool:
    return _stops_the_account(fault) or _polls(scrape, fault, GOOD) >= _polls(before, fault, GOOD) + 3


def test_no_fault_of_the_pretend_pac_is_missing_from_the_matrix() -> None:
    assert set(MATRIX) == set(FAULTS)


@pytest.mark.parametrize("fault", MATRIX)
def test_a_fault_becomes_its_outcome_reason_and_code(seen: Seen, fault: str) -> None:
    reason, code = MATRIX[fault]
    errors = seen.after.all("timbres_poll_errors_total", account=fault, rfc=BADS[fault])
    assert set(errors) - UNSENT == ({reason} if reason else set())
    assert seen.after("timbres_up", account=fault, rfc=BADS[fault]) == (not reason)
    assert seen.after("timbres_responses_total", account=fault, code=code)
    assert set(seen.after.all("timbres_responses_total", account=fault)) <= {"200", code}


@pytest.mark.parametrize("fault", MATRIX)
def test_what_was_learned_before_a_fault_is_still_shown(seen: Seen, fault: str) -> None:
    bad = {"account": fault, "rfc": BADS[fault]}
    assert seen.after("timbres_contracted", **bad) == 5000
    assert seen.after("timbres_used", **bad) == 1200
    assert seen.after("timbres_available", **bad) == (0 if fault in ("630", "631") else 3750)
    moved = seen.after("timbres_last_success_timestamp_seconds", **bad) > seen.struck_at + 1
    assert moved == (not MATRIX[fault].reason)


@pytest.mark.parametrize("fault", MATRIX)
def test_the_other_rfc_of_the_account_is_neither_hidden_nor_delayed(seen: Seen, fault: str) -> None:
    good = {"account": fault, "rfc": GOOD}
    assert seen.after("timbres_available", **good) == 900
    assert not set(seen.after.all("timbres_poll_errors_total", **good)) - UNSENT
    if not _stops_the_account(fault):
        assert seen.after("timbres_up", **good) == 1
        assert seen.after("timbres_account_held", account=fault) == 0
        assert seen.after.total("timbres_poll_errors_total", **good) == 0


@pytest.mark.parametrize("fault", [f for f in MATRIX if MATRIX[f].reason == "refused"])
def test_a_refusal_holds_the_account_and_nothing_more_is_sent(seen: Seen, fault: str) -> None:
    assert seen.after("timbres_account_held", account=fault) == 1
    assert seen.after("timbres_account_hold_info", account=fault, code=fault) == 1
    assert seen.calls_later[fault] == seen.calls_when_held[fault]
    assert seen.after("timbres_responses_total", account=fault, code=fault) == 1
    assert seen.after("timbres_poll_errors_total", account=fault, rfc=GOOD, reason="held")
    assert any("account held" in line and f"accounts={fault} " in line for line in seen.log)


@pytest.mark.parametrize("fault", [f for f in MATRIX if MATRIX[f].reason != "refused"])
def test_nothing_but_a_refusal_holds_a_credential_that_has_worked(seen: Seen, fault: str) -> None:
    assert seen.after("timbres_account_held", account=fault) == 0
    assert seen.after("timbres_account_unproven", account=fault) == (MATRIX[fault].code in CLOSED)


@pytest.mark.parametrize("fault", FIRST)
def test_before_it_has_worked_a_credential_is_held_by_a_refusal_or_a_locked_door(
    seen: Seen, fault: str
) -> None:
    account, code = f"first-{fault}", FIRST[fault]
    assert seen.after("timbres_account_unproven", account=account) == 1
    assert seen.after("timbres_account_held", account=account) == (code is not None)
    if code is not None:
        assert seen.after("timbres_account_hold_info", account=account, code=code) == 1
        assert seen.after.total("timbres_polls_total", account=account) == 1
    for name in ("timbres_available", "timbres_contracted", "timbres_last_success_timestamp_seconds"):
        assert seen.after(name, account=account, rfc=GOOD) is None  # never a made-up zero


def test_an_unproven_credential_makes_one_call_at_a_time(seen: Seen) -> None:
    assert seen.first.most_at_once <= len(FIRST)


def test_redirects_are_never_followed(seen: Seen) -> None:
    assert seen.pac.followed == 0


def test_memory_stays_bounded(seen: Seen) -> None:
    before, after = (s("process_resident_memory_bytes") for s in (seen.before, seen.after))
    assert after - before < 20e6, (before, after)


def test_the_words_shown_help_and_repeat_no_secret(seen: Seen) -> None:
    texts = {
        a: q["last_error"]["text"]
        for (a, r), q in seen.quotas.items()
        if r == BADS.get(a) and q["last_error"]
    }
    assert "set `namespace: " in texts["mismatch"]
    assert "check `endpoint` and `soap_action`" in texts["epr"]
    assert any("held" in (q["last_error"] or {}).get("reason", "") for q in seen.quotas.values())
    assert "withheld" in texts["echo"]
    everything = json.dumps(list(seen.quotas.values()), ensure_ascii=False) + "\n".join(seen.log)
    for form in (PASSWORD, "p&amp;ss", "p%26ss", "cCZzcyA8d8O2cmQ+"):
        assert form not in everything


def test_no_traceback_is_logged(seen: Seen) -> None:
    assert not [line for line in seen.log if "Traceback" in line or "internal error" in line]


async def test_a_pac_that_wants_another_namespace_is_served_once_the_key_is_set_as_told(
    tmp_path: Path,
) -> None:
    pac = Pac([Account("user", PASSWORD, {GOOD: Issuer(10)})], namespace="http://other.example/ws")
    async with pac.serve() as url:
        account = _account("norte", url, "user", [GOOD])
        config = {
            "web": {"listen": "127.0.0.1:0"},
            "poll": {"interval": "1s"},
            "accounts": [account],
        }
        path = write(tmp_path / "config.yaml", config)
        async with running(path) as service:
            line = await service.until_log("set `namespace:")
            told = re.search(r"set `namespace: (\S+?)`", line)
            assert told is not None
            account["namespace"] = told[1]
            write(path, config)
            service.hang_up()
            await service.until(lambda s: s("timbres_available", account="norte", rfc=GOOD) == 10)


@pytest.mark.parametrize("fault", ["html", "fault11", "json", "http_404", "empty", "not_http"])
def test_what_cannot_be_read_is_logged_once_a_shape(seen: Seen, fault: str) -> None:
    lines = [line for line in seen.log if "answer could not be read" in line and f"account={fault} " in line]
    assert len(lines) == 1, lines
    assert seen.after.total("timbres_responses_total", account=fault, code=MATRIX[fault].code) >= 2
