"""The stamps of each day, by the calendar of the time zone."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.forecast import daily

MEXICO = ZoneInfo("America/Mexico_City")
TIJUANA = ZoneInfo("America/Tijuana")  # which has summer time
NOON = datetime(2026, 9, 17, 12, tzinfo=MEXICO)
NOW = NOON.timestamp()
HOUR, DAY = 3600.0, 86400.0


def test_without_history_there_are_no_days() -> None:
    assert list(daily([], NOW, MEXICO)) == []
    assert list(daily([(NOW + 1, 5)], NOW, MEXICO)) == []


def test_the_first_day_counts_from_the_first_row_and_the_last_until_now() -> None:
    rows = [(NOW - 2 * DAY, 100), (NOW - 2 * DAY + HOUR, 107), (NOW - DAY, 110), (NOW - HOUR, 130)]
    assert list(daily(rows, NOW, MEXICO)) == [7, 3, 20]
    assert list(daily(rows, NOW - 1.5 * HOUR, MEXICO)) == [7, 3, 0]


def test_an_issuer_that_was_just_seen_has_today_alone() -> None:
    assert list(daily([(NOW, 3)], NOW, MEXICO)) == [0]


def test_a_day_without_a_change_is_zero() -> None:
    assert list(daily([(NOW - 3 * DAY, 0), (NOW, 4)], NOW, MEXICO)) == [0, 0, 0, 4]


def test_thirty_five_days_are_told_however_long_the_history() -> None:
    rows = [(NOW - day * DAY, 1000 - 10 * day) for day in range(100, -1, -1)]
    assert list(daily(rows, NOW, MEXICO)) == [10] * 35
    early = [(NOW - 100 * DAY, 0), (NOW, 9)]
    assert list(daily(early, NOW, MEXICO)) == [0] * 34 + [9]


def test_days_are_those_of_the_time_zone() -> None:
    evening = NOON.replace(hour=23, minute=30).timestamp()  # already tomorrow in UTC
    rows = [(NOW, 0), (evening, 8)]
    assert list(daily(rows, evening, MEXICO)) == [8]
    assert list(daily(rows, evening, ZoneInfo("UTC"))) == [0, 8]


@pytest.mark.parametrize(
    "changed", [datetime(2026, 3, 8, tzinfo=TIJUANA), datetime(2026, 11, 1, tzinfo=TIJUANA)]
)
def test_a_day_of_23_or_25_hours_is_a_day(changed: datetime) -> None:
    noons = [(changed + timedelta(days=day)).replace(hour=12) for day in range(-2, 3)]
    rows = [(noon.timestamp(), 10 * number) for number, noon in enumerate(noons)]
    assert list(daily(rows, rows[-1][0], TIJUANA)) == [0, 10, 10, 10, 10]


def test_a_clock_that_was_set_takes_no_stamps_back() -> None:
    rows = [(NOW - DAY, 50), (NOW - 2 * HOUR, 52), (NOW - HOUR, 3), (NOW, 60)]
    assert list(daily(rows, NOW, MEXICO)) == [0, 10]


def test_more_stamps_than_32_bits_are_counted() -> None:
    assert list(daily([(NOW - HOUR, 0), (NOW, 10**12)], NOW, MEXICO)) == [10**12]


rows = st.lists(st.tuples(st.floats(NOW - 60 * DAY, NOW), st.integers(0, 500)), min_size=1)


@given(rows)
def test_the_days_add_up_to_what_was_consumed_since_their_first(told: list[tuple[float, int]]) -> None:
    told.sort()
    total, history = 0, []
    for at, stamps in told:
        total += stamps
        history.append((at, total))
    found = daily(history, NOW, MEXICO)
    begin = (NOON.replace(hour=0) - timedelta(days=len(found) - 1)).timestamp()
    before = [consumed for at, consumed in history if at <= begin] or [history[0][1]]
    assert sum(found) == total - before[-1]
    assert len(found) <= 35
