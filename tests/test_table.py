"""The rows of a page out of all, and their charts: pure functions of what is known and a query."""

import re
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from monitor.alerts import Level
from monitor.model import Reason
from monitor.store import Point
from monitor.web import chart, past
from monitor.web.query import SIZES, SORTS, Query
from monitor.web.table import Judged, everything, judge, select
from tests.fleets import DAY, NOW, rfc_of, row, snapshot

ZONE = ZoneInfo("America/Mexico_City")
FAILED = (Reason.UNAVAILABLE, "500", "error at the PAC")


def names(found: Any) -> list[str]:
    return [one.row.target.alias or one.row.target.rfc for one in found]


def shown(*rows: Any, held: Any = (), **query: Any) -> list[str]:
    """The rows that a query shows, by their names."""
    return names(select(judge(snapshot(*rows, held=held)), Query(**query)).lines)


# What stands in the URL


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"sort": "password"},
        {"sort": "--name"},
        {"sort": ""},
        {"state": "fine"},
        {"state": "CRITICAL"},
        {"page": "0"},
        {"page": "-1"},
        {"page": "٣"},
        {"page": "1" * 5000},
        {"page": "1e3"},
        {"size": "51"},
        {"size": "100000"},
        {"lang": "xx"},
        {"lang": "<script>"},
        {"q": " \t "},
        {"nonsense": "1"},
    ],
)
def test_what_makes_no_sense_in_a_url_counts_as_not_given(told: dict[str, str]) -> None:
    assert Query.of(told) == Query()


def test_a_query_is_read_from_a_url() -> None:
    told = {
        "q": " a  b ",
        "account": "n&o",
        "state": "ok",
        "sort": "-days",
        "page": "3",
        "size": "200",
        "lang": "es",
    }
    assert Query.of(told) == Query("a b", "n&o", "ok", "-days", 200, 3, "es")


def test_a_search_that_is_far_too_long_is_cut() -> None:
    assert len(Query.of({"q": "x" * 100_000}).q) == 100


def test_a_link_keeps_what_else_was_asked_and_begins_at_page_1() -> None:
    query = Query("H&E", "a=b", sort="-days", page=7, lang="es")
    assert query.link(state="ok") == "?q=H%26E&account=a%3Db&state=ok&sort=-days&lang=es"
    assert query.link(page=8) == "?q=H%26E&account=a%3Db&sort=-days&page=8&lang=es"
    assert Query().link() == "?"


def test_a_heading_turns_the_order_round() -> None:
    assert Query().sorted_by("days") == "?sort=days"
    assert Query(sort="days").sorted_by("days") == "?sort=-days"
    assert Query(sort="-days").sorted_by("days") == "?sort=days"
    assert [Query(sort=sort).direction("name", "rfc") for sort in ("days", "rfc", "-name")] == [
        "none",
        "ascending",
        "descending",
    ]


# Search and filter


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("pena", ["Peña"]),
        ("PEÑA", ["Peña"]),
        ("ñandu", ["Nandu"]),
        ("H&E", ["Herrerías"]),
        ("herrerias", ["Herrerías"]),
        ("norte", ["Peña", "Herrerías"]),
        ("norte herr", ["Herrerías"]),
        ("herr sur", []),
        ("%", []),
        ("", ["Peña", "Herrerías", "Nandu"]),
    ],
)
def test_a_search_finds_rfc_alias_and_account_whatever_case_and_accents(q: str, found: list[str]) -> None:
    rows = [
        row("EKU9003173C9", alias="Peña"),
        row("H&E951128469", alias="Herrerías"),
        row("XXX010101AAA", alias="Nandu", account="sur"),
    ]
    assert shown(*rows, q=q, sort="urgency") == found


def test_states_are_counted_among_those_that_are_found_and_filtered_afterwards() -> None:
    rows = [
        row(rfc_of(1), 0),
        row(rfc_of(2), 5),
        row(rfc_of(3), 50),
        row(rfc_of(4)),
        row(rfc_of(5), account="sur"),
    ]
    selection = select(judge(snapshot(*rows)), Query(account="norte", state="critical"))
    assert selection.counts == {Level.CRITICAL: 2, Level.WARNING: 1, Level.OK: 1}
    assert selection.found == 2
    assert names(selection.lines) == [rfc_of(1), rfc_of(2)]


def test_an_account_that_is_held_is_not_read() -> None:
    rows = [row(rfc_of(1), account="held"), row(rfc_of(2))]
    assert shown(*rows, held=[("held", "601", NOW)], state="unknown") == [rfc_of(1)]


# Order


def test_the_most_urgent_come_first() -> None:
    rows = [
        row("1", alias="fine"),
        row("2", alias="fine for 40 days", days=40),
        row("3", alias="never read", available=None),
        row("4", None, alias="failing", failure=FAILED),
        row("5", 400, alias="9 days left", days=9),
        row("6", 40, alias="few, nobody knows how long"),
        row("7", 9, alias="2 days left", days=2),
        row("8", 400, alias="1 day left", days=1),
        row("9", 0, alias="none left", days=8),
    ]
    assert shown(*rows) == [
        "none left",
        "1 day left",
        "2 days left",
        "9 days left",
        "few, nobody knows how long",
        "never read",
        "failing",
        "fine for 40 days",
        "fine",
    ]


def test_what_has_the_smaller_part_left_comes_first_where_no_forecast_tells() -> None:
    rows = [row("1", 900, alias="most of it"), row("2", 900, contracted=10_000, alias="a tenth")]
    assert shown(*rows) == ["a tenth", "most of it"]


VALUES: dict[str, Callable[[Judged], Any]] = {
    "name": lambda one: one.row.target.alias.lower() or None,
    "rfc": lambda one: one.row.target.rfc,
    "account": lambda one: one.row.target.account,
    "available": lambda one: one.row.reading and one.row.reading.available,
    "days": lambda one: one.row.reading and one.row.forecast and one.row.forecast.time_left,
    "consumption": lambda one: sum(one.row.daily) if one.row.daily else None,
    "read": lambda one: one.row.reading and one.row.reading.at,
    "error": lambda one: one.failure and one.failure.code,
}


def fleet_of(size: int) -> list[Any]:
    chance = Random(7)
    return [
        row(
            rfc_of(chance.randrange(10**4)),
            chance.choice([None, *range(1, 3000, 7)]),
            account=chance.choice(["norte", "sur", "filial"]),
            alias=chance.choice(["", "B", "C", "a"]),
            contracted=chance.choice([None, 3_000]),
            days=chance.choice([None, 0.5, 5, 50]),
            daily=chance.choice([(), [chance.randrange(9)] * 35]),
            age=chance.uniform(0, 2000),
            failure=chance.choice([None, FAILED, (Reason.BUSY, "503", "busy")]),
        )
        for _ in range(size)
    ]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", VALUES)
def test_any_column_sorts_both_ways_with_the_unknown_last(sort: str, descending: bool) -> None:
    judged = judge(snapshot(*fleet_of(5_000)))  # more than are sorted in one go
    found = list(everything(judged, Query(sort=f"-{sort}" if descending else sort)))
    values = [VALUES[sort](one) for one in found]
    known = [value for value in values if value is not None]
    assert len(found) == 5_000
    assert known == sorted(known, reverse=descending)
    assert values[len(known) :] == [None] * (5_000 - len(known))


def test_every_column_may_be_sorted_by() -> None:
    assert {"urgency", *VALUES} == set(SORTS)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("sort", ["urgency", "-available", "name"])
def test_the_pages_together_are_everything_once(sort: str, size: int) -> None:
    judged = judge(snapshot(*fleet_of(450)))
    query = Query(sort=sort, size=size)
    pages = [select(judged, replace(query, page=page)) for page in range(1, 20)]
    assert pages[0].pages == -(-450 // size)
    every = [one.place for page in pages[: pages[0].pages] for one in page.lines]
    assert every == [one.place for one in everything(judged, query)]
    assert sorted(every) == list(range(450))
    assert pages[-1].page == pages[0].pages  # beyond the last there is the last


# Charts


def test_a_bar_is_coloured_by_the_thresholds_of_its_own() -> None:
    limits = [("critical", 10), ("warning", 50)]
    assert chart.bar(500, 1_000, limits) == chart.Bar(50, "ok", [("critical", 1), ("warning", 5)])
    assert [chart.bar(n, 1_000, limits).level for n in (0, 10, 11, 50, 51)] == [
        "critical",
        "critical",
        "warning",
        "warning",
        "ok",
    ]
    assert chart.bar(500, 1_000, [("critical", None), ("warning", 600)]).level == "warning"
    assert chart.bar(0, 1_000, [("critical", None), ("warning", None)]).level == "critical"


@pytest.mark.parametrize(
    ("available", "contracted", "fill"),
    [
        (0, 1_000, 0),
        (1, 100_000, 1),
        (2_000, 1_000, 100),
        (0, 0, 0),
        (7, 0, 7),
        (30, None, 30),
        (5_000, None, 100),
    ],
)
def test_a_bar_fits_and_shows_what_is_not_nothing(
    available: int, contracted: int | None, fill: float
) -> None:
    assert chart.bar(available, contracted, [("critical", 10), ("warning", 50)]).fill == fill


def test_a_spark_has_a_bar_for_each_day_with_consumption_the_newest_at_the_right() -> None:
    drawn = chart.spark([4, 0, 2])
    assert (drawn.total, drawn.most, drawn.width) == (6, 4, 139)
    assert drawn.path == "M128 28v-28h3v28zM136 28v-14h3v14z"
    assert chart.spark([0, 0]).path == ""


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (3, [0, 1, 2, 3]),
        (150, [0, 50, 100, 150]),
        (1_000, [0, 250, 500, 750, 1_000]),
        (999_999_999_999, [0, 250 * 10**9, 500 * 10**9, 750 * 10**9, 10**12]),
    ],
)
def test_an_axis_ends_at_a_round_number(most: int, ticks: list[int]) -> None:
    assert chart.axes(0, 1, most).ticks == ticks


def point(days_ago: float, available: int, consumed: int, contracted: int | None = 1_000) -> Point:
    return Point(NOW - days_ago * DAY, contracted, contracted and contracted - available, available, consumed)


def test_stamps_that_were_added_are_told_with_what_was_used_meanwhile() -> None:
    points = [
        point(9, 100, 0, 1_000),
        point(8, 90, 10, 1_000),
        point(7, 580, 20, 1_500),  # 500 more, and 10 used
        point(6, 585, 20, 1_500),  # some that were reserved came back: counted neither as bought
        point(5, 400, 205, 1_500),
    ]
    points[3] = replace(points[3], used=points[2].used)
    assert past.top_ups(points) == [(NOW - 7 * DAY, 500)]


def test_a_new_package_that_counts_anew_is_stamps_that_were_added() -> None:
    assert past.top_ups([point(2, 3, 0, 1_000), point(1, 900, 0, 900)]) == [(NOW - DAY, 897)]


def test_consumption_per_day_is_that_of_days_in_the_zone() -> None:
    # NOW is 07:33 in the morning there: a quarter of a day ago it was today, half a day ago it was not.
    points = [point(40, 900, 100), point(2.5, 850, 150), point(0.5, 840, 160), point(0.25, 833, 167)]
    told = past.consumption(points, 35, NOW, ZONE)
    assert (told.total, told.most) == (67, 50)
    assert len(re.findall("M", told.path)) == 3


def test_without_history_there_is_no_consumption_and_no_chart() -> None:
    (one,) = judge(snapshot(row(available=None)))
    assert past.consumption([], 35, NOW, ZONE).path == ""
    assert past.history(one, [], 35, NOW, ZONE) is None


def test_the_history_begins_with_what_was_known_before_and_ends_with_the_last_reading() -> None:
    (one,) = judge(snapshot(row(available=700)))
    told = past.history(one, [point(100, 800, 0), point(10, 750, 50)], 35, NOW, ZONE)
    assert told is not None
    assert (told.least, told.most) == (700, 800)
    assert told.line.startswith(f"M{chart.LEFT} ")
    assert told.line.count("V") == 2
    assert [(severity, limit) for severity, limit, _ in told.limits] == [("critical", 10), ("warning", 50)]


def test_a_long_history_is_drawn_small_and_misses_no_extreme() -> None:
    chance = Random(3)
    values = [(NOW - DAY * 35 + n * 60, chance.randrange(100, 900)) for n in range(50_000)]
    values[777] = (values[777][0], 1_000)
    values[40_404] = (values[40_404][0], 1)
    axes = chart.axes(NOW - DAY * 35, NOW, 1_000)
    path = chart.steps(axes, values)
    drawn = [float(number) for number in re.findall(r"V([0-9.]+)", path)]
    assert len(path) < 40_000
    assert (min(drawn), max(drawn)) == (axes.y(1_000), axes.y(1))
