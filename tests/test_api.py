"""What programs are told: the JSON of one RFC, its history, and what is wrong with a question."""

import json
import math
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config import Limits, Target, Thresholds
from monitor.journal import Journal
from monitor.model import AccountStatus, Failure, Kept, Key, Reading, Reason, Refusal
from monitor.simulator import Pac
from monitor.state import Row, Snapshot
from monitor.store import Point
from monitor.web.instant import EXPECTED, instant
from monitor.web.quotas import POINTS, history, quota, quotas
from tests.remembering import points, started
from tests.test_web import OTHER, PLAIN, RFC, THIRD, serving, stamps
from tests.watching import EPOCH, FIRST, Page, Watched, account, watching

ZONE = ZoneInfo("America/Mexico_City")
HOUR, DAY = 3600.0, 86400.0
JSON = "application/json; charset=utf-8"
LIMITS = Thresholds(Limits(50, None, 10.0), Limits(10, None, 3.0))


def path(rfc: str = RFC, name: str = "norte") -> str:
    return f"/api/v1/quotas/{quote(name, safe='')}/{quote(rfc, safe='')}"


def found(page: Page) -> Any:
    assert (page.status, page.headers["Content-Type"]) == (200, JSON), page.text
    return json.loads(page.body)


def target(number: int = 0, alias: str = "") -> Target:
    return Target("norte", f"{number}", alias, 900.0, LIMITS, None)


def snapshot(*rows: Row) -> Snapshot:
    account = AccountStatus(
        "norte",
        "601",
        True,
        EPOCH - 9,
        RFC,
        "601: no",
        EPOCH + 9,
        (Refusal(OTHER, "601", "no", set_aside=True),),
    )
    return Snapshot(EPOCH, HOUR, rows, {}, [account], [])


def never(_: Key) -> float | None:
    return None


# One RFC


@pytest.mark.parametrize("rfc", [RFC, OTHER, THIRD])
@pytest.mark.parametrize("name", ["norte", "a/b & ñ?#%2F"])
async def test_one_rfc_is_told_as_among_all_and_with_its_last_polls_and_days(
    tmp_path: Path, name: str, rfc: str
) -> None:
    pac = stamps()
    async with watching(tmp_path, pac, lambda url: [account(url, RFC, OTHER, THIRD, name=name)]) as watched:
        await watched.first_polls(3)
        pac.faults["*"] = "500"
        watched.clock.now += 900
        await watched.until(lambda m: m.total("timbres_poll_errors_total") == 3)
        one = found(await watched.get(path(rfc, name)))
        everything = found(await watched.get("/api/v1/quotas"))
    (among,) = (entry for entry in everything["quotas"] if entry["rfc"] == rfc)
    polls, failures = one.pop("polls"), one.pop("failures")
    assert one == {"at": EPOCH + FIRST + 900, **among, "daily": []}
    assert polls == [
        {"at": EPOCH + FIRST + 900, "code": "500", "reason": "unavailable"},
        {"at": EPOCH + FIRST, "code": "200", "reason": None},
    ]
    assert failures == [among["last_error"]]


async def test_what_is_forecast_is_told_with_the_days_that_it_is_made_of(tmp_path: Path) -> None:
    async with with_past(tmp_path) as watched:
        one = found(await watched.get(path()))
        before = found(await watched.get(path(OTHER)))
    assert one["daily"][1:-1] == [10] * 33
    assert (one["peak_day"], one["forecast_at"], one["level"]) == (10, EPOCH, "ok")
    assert 50 < one["days_left"] < 70
    assert (before["daily"], before["days_left"], before["peak_day"]) == ([], None, None)


@pytest.mark.parametrize("wrong", [path("XXX010101000"), path(name="sur"), path("eku9003173c9"), path("%")])
@pytest.mark.parametrize("rest", ["", "/history"])
async def test_what_is_not_configured_is_not_found_in_plain_text(
    tmp_path: Path, wrong: str, rest: str
) -> None:
    async with serving(tmp_path) as watched:
        page = await watched.get(wrong + rest)
    assert (page.status, page.headers["Content-Type"]) == (404, PLAIN)
    assert page.text == "Not found: no such account and RFC; /api/v1/quotas has them all\n"


# History


def with_past(directory: Path, past: list[Point] | None = None) -> Any:
    """The service with forty days of history of one of two RFCs."""
    changes = points() if past is None else past
    last = changes[-1]
    reading = Reading(last.at, last.contracted, last.used, 600, "200")
    kept = {("norte", RFC): Kept(last.at, reading, last.consumed)}
    return started(directory, [RFC, OTHER], kept, {("norte", RFC): changes[:-1]})


async def ask(watched: Watched, **query: str) -> Any:
    return found(await watched.get(f"{path()}/history?" + "&".join(f"{k}={v}" for k, v in query.items())))


async def test_history_goes_back_35_days_unless_told_otherwise(tmp_path: Path) -> None:
    async with with_past(tmp_path) as watched:
        usual = found(await watched.get(f"{path()}/history"))
        longer = await ask(watched, since="60d")
        part = await ask(watched, since=f"{EPOCH - 10 * DAY:.0f}", until=f"{EPOCH - 8 * DAY:.0f}")
        empty = found(await watched.get(f"{path(OTHER)}/history"))
    assert {name: value for name, value in usual.items() if name != "points"} == {
        "at": EPOCH,
        "account": "norte",
        "rfc": RFC,
        "since": EPOCH - 35 * DAY,
        "until": EPOCH,
        "step": None,
        "top_ups": [],
    }
    assert [point["at"] for point in usual["points"]] == [EPOCH - day * DAY for day in range(35, -1, -1)]
    assert len(longer["points"]) == 41
    assert [point["used"] for point in part["points"]] == [300, 310, 320]
    assert part["points"][0] == {
        "at": EPOCH - 10 * DAY,
        "contracted": 1000,
        "used": 300,
        "available": 700,
        "consumed": 300,
    }
    assert (empty["points"], empty["top_ups"]) == ([], [])


async def test_between_two_changes_the_one_before_is_told(tmp_path: Path) -> None:
    async with with_past(tmp_path) as watched:
        between = await ask(watched, since="36h", until="30h")
    assert [point["used"] for point in between["points"]] == [380]
    assert between["points"][0]["at"] < between["since"]


async def test_what_was_bought_is_told_with_what_was_used_meanwhile(tmp_path: Path) -> None:
    past = [
        replace(point, contracted=1500, available=point.available + 500)
        if point.at > EPOCH - 20 * DAY
        else point
        for point in points()
    ]
    async with with_past(tmp_path, past) as watched:
        told = await ask(watched, since="30d")
        later = await ask(watched, since="10d")
        early = await ask(watched, since="30d", until="25d")
    assert told["top_ups"] == [{"at": EPOCH - 19 * DAY, "stamps": 500}]
    assert (later["top_ups"], early["top_ups"]) == ([], [])


@pytest.mark.parametrize(
    ("query", "since", "until"),
    [
        ({"since": "12h"}, EPOCH - 12 * HOUR, EPOCH),
        ({"until": "5d"}, EPOCH - 40 * DAY, EPOCH - 5 * DAY),
        ({"since": "0", "until": "1789000000.5"}, 0.0, 1789000000.5),
        ({"since": "2026-09-01"}, datetime(2026, 9, 1, tzinfo=ZONE).timestamp(), EPOCH),
        ({"since": "2026-09-01T08:30"}, datetime(2026, 9, 1, 8, 30, tzinfo=ZONE).timestamp(), EPOCH),
        ({"since": "2026-09-01T00:00:00Z"}, 1788220800.0, EPOCH),
        ({"since": "2026-09-01T02:00+02:00"}, 1788220800.0, EPOCH),  # a plus in a query is a blank
        ({"since": quote_plus("2026-09-01T02:00+02:00")}, 1788220800.0, EPOCH),
    ],
)
async def test_times_are_epoch_seconds_dates_or_so_long_ago(
    tmp_path: Path, query: dict[str, str], since: float, until: float
) -> None:
    async with with_past(tmp_path) as watched:
        told = await ask(watched, **query)
    assert (told["since"], told["until"]) == (since, until)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("since=yesterday", "since: must be epoch seconds, a date or time such as"),
        ("since=", "since: must be epoch seconds"),
        ("until=1e9", "until: must be epoch seconds"),
        ("since=nan", "since: must be epoch seconds"),
        ("since=inf", "since: must be epoch seconds"),
        ("since=-5", "since: must be epoch seconds"),
        ("since=1_000", "since: must be epoch seconds"),
        ("since=%D9%A1%D9%A2", "since: must be epoch seconds"),  # digits, but not ours
        ("since=5d%0A", "since: must be epoch seconds"),
        ("since=2026-02-30", "since: must be epoch seconds"),
        ("since=99999999999d", "since: must be epoch seconds"),
        ("since=%3Cscript%3E", "since: must be epoch seconds"),
        ("since=1d&until=2d", "since: must not be later than until"),
    ],
)
async def test_a_question_that_makes_no_sense_is_told_what_would(
    tmp_path: Path, query: str, message: str
) -> None:
    async with serving(tmp_path) as watched:
        page = await watched.get(f"{path()}/history?{query}")
    assert (page.status, page.headers["Content-Type"]) == (400, PLAIN)
    assert page.text.startswith(f"Bad request: {message}")
    assert page.text.count("\n") == 1
    assert "script" not in page.text


@given(st.text())
def test_no_text_is_a_time_that_breaks_anything(text: str) -> None:
    message = ""
    try:
        assert math.isfinite(instant(text, EPOCH, ZONE))
    except ValueError as error:
        message = str(error)
    assert message in ("", EXPECTED)


async def test_the_documents_show_what_is_told(tmp_path: Path) -> None:
    text = (Path(__file__).parent.parent / "docs" / "api.md").read_text(encoding="utf-8")
    documented = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    past = [replace(point, contracted=1000 + (point.used or 0), available=1000) for point in points()]
    async with with_past(tmp_path, past) as watched:
        await watched.first_polls(2)
        everything = found(await watched.get("/api/v1/quotas"))
        one = found(await watched.get(path()))
        told = await ask(watched)
    assert [shape(document) for document in documented] == [shape(everything), shape(told)]
    fields = {
        field
        for names in re.findall(r"^\| (`.+?) \|", text, re.MULTILINE)
        for field in names.strip("`").split("`, `")
    }
    identity = {"account", "rfc", "alias"}
    assert fields == (one.keys() | {"accounts"}) - identity


def shape(value: Any) -> Any:
    """The names in a document, in their order."""
    if isinstance(value, dict):
        return [(name, shape(rest)) for name, rest in value.items()]
    return shape(value[0]) if isinstance(value, list) and value else None


# However much, and whatever it says


def test_of_too_many_points_the_last_in_each_span_is_told_and_every_purchase() -> None:
    many = [
        Point(EPOCH - 100_000 + n, 1000 + n // 70_000, n, 1000 + n // 70_000 - n, n) for n in range(100_000)
    ]
    told = json.loads(history(("norte", RFC), many, EPOCH, EPOCH - 100_000, EPOCH))
    assert POINTS - 2 <= len(told["points"]) <= POINTS + 2
    assert told["step"] == 20
    assert told["points"][-1]["used"] == 99_999
    kept = {point["at"] for point in told["points"]}
    assert all(at % 20 == 19 for at in kept - {many[-1].at})
    assert [bought["at"] for bought in told["top_ups"]] == [many[70_000].at]


def test_purchases_without_end_are_told_as_far_as_there_is_room() -> None:
    many = [Point(EPOCH - 6000 + n, 1000 + n, 0, 1000 + n, 0) for n in range(6000)]
    told = json.loads(history(("norte", RFC), many, EPOCH, EPOCH - 6000, EPOCH))
    assert [bought["at"] for bought in told["top_ups"]] == [point.at for point in many[-POINTS:]]


def test_a_last_change_of_long_ago_makes_no_span_longer() -> None:
    many = [Point(0, 1, 1, 1, 0)] + [Point(EPOCH - 10_000 + n, 1, 1, n, n) for n in range(10_000)]
    told = json.loads(history(("norte", RFC), many, EPOCH, EPOCH - 10_000, EPOCH))
    assert told["step"] == 2
    assert told["points"][0]["at"] == 0


def test_the_body_comes_in_parts_of_so_many_rfcs_which_make_one_document() -> None:
    rows = [Row(target(number)) for number in range(1001)]
    parts = quotas(snapshot(*rows), never)
    assert max(part.count(b'"rfc"') for part in parts) == 100
    document = json.loads(b"".join(parts))
    assert [entry["rfc"] for entry in document["quotas"]] == [f"{number}" for number in range(1001)]
    assert document["accounts"] == [
        {
            "name": "norte",
            "hold": "601",
            "held_at": EPOCH - 9,
            "released_at": None,
            "unproven": True,
            "next_call": EPOCH + 9,
            "last_answer": {"at": EPOCH - 9, "rfc": RFC, "text": "601: no"},
            "set_aside": [OTHER],
        }
    ]
    assert json.loads(b"".join(quotas(snapshot(), never)))["quotas"] == []


NASTY = 'half a character \ud800, </script> "\\ \x00\x1f\u2028'


def test_nothing_that_the_pac_or_the_configuration_says_breaks_the_document() -> None:
    failure = Failure(EPOCH, Reason.GARBLED, NASTY, NASTY)
    row = Row(target(alias=NASTY), last=failure)
    shown = NASTY.replace("\ud800", "?")
    (entry,) = json.loads(b"".join(quotas(snapshot(row), never)))["quotas"]
    assert (entry["alias"], entry["last_error"]["text"], entry["last_error"]["code"]) == (shown,) * 3
    one = quota(snapshot(row), row.target.key, never, Journal((), (failure,)))
    assert one is not None
    assert json.loads(one)["failures"] == [entry["last_error"]]


async def test_an_account_that_is_held_is_told_to_programs_too(tmp_path: Path) -> None:
    async with serving(tmp_path, pac=Pac([another_password(stamps())])) as watched:
        await watched.first_polls(1)
        document = found(await watched.get("/api/v1/quotas"))
    (entry,) = document["quotas"]
    (status,) = document["accounts"]
    assert (entry["held"], entry["level"]) == (True, "unknown")
    assert (status["name"], status["hold"], status["held_at"]) == ("norte", "601", EPOCH + FIRST)


def another_password(pac: Pac) -> Any:
    (customer,) = pac.accounts.values()
    return replace(customer, password="another")


async def test_the_database_may_be_away_and_history_is_empty(tmp_path: Path) -> None:
    async with serving(tmp_path, state={"url": f"sqlite:///{tmp_path}/missing/timbres.db"}) as watched:
        told = found(await watched.get(f"{path()}/history"))
    assert told["points"] == []
