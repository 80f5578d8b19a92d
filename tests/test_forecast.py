"""What is said of the time left: never before a week, never for noise, always with the calendar."""

import math
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.forecast import ENOUGH, LONGEST, Forecast, forecast, habits
from monitor.forecast.month import busy_time

MEXICO = ZoneInfo("America/Mexico_City")
DAY, HOUR = 86400.0, 3600.0


def at(*when: int, zone: ZoneInfo = MEXICO) -> float:
    return datetime(*when, tzinfo=zone).timestamp()  # type: ignore[misc]


def stamped(
    since: float, now: float, stamps: Callable[[datetime], int], zone: ZoneInfo = MEXICO
) -> list[tuple[float, int]]:
    """History of hourly polls; `stamps` used in the hour before each."""
    rows, consumed = [(since, 0)], 0
    moment = since + HOUR
    while moment <= now:
        if more := stamps(datetime.fromtimestamp(moment, zone)):
            consumed += more
            rows.append((moment, consumed))
        moment += HOUR
    return rows


def office(when: datetime) -> int:
    """Ten an hour, 80 a day, from 9 to 17, Monday to Friday."""
    return 10 if when.weekday() < 5 and 9 < when.hour <= 17 else 0


def payroll(workers: int) -> Callable[[datetime], int]:
    """At noon of the 15th and the last day of the month, or of the Friday before."""

    def stamps(when: datetime) -> int:
        following = (when.replace(day=1) + timedelta(days=32)).replace(day=1)
        paydays = set()
        for payday in (when.date().replace(day=15), following.date() - timedelta(days=1)):
            paydays.add(payday - timedelta(days=max(0, payday.weekday() - 4)))
        return workers if when.date() in paydays and when.hour == 12 else 0

    return stamps


def days_left(
    history: Sequence[tuple[float, int]], available: int, now: float, zone: ZoneInfo = MEXICO
) -> float:
    found = forecast(history, available, now, zone).time_left
    assert found is not None
    return found / DAY


@pytest.mark.parametrize("history", [[], [(at(2026, 5, 1), 0)]])
def test_nothing_is_said_before_seven_days(history: list[tuple[float, int]]) -> None:
    assert forecast(history, 100, at(2026, 5, 8) - 1, MEXICO) == Forecast(at(2026, 5, 8) - 1, None, None)
    assert habits(history, at(2026, 5, 8) - 1, MEXICO) is None


def test_after_seven_days_something_is_said() -> None:
    now = at(2026, 5, 8)
    found = forecast(stamped(now - ENOUGH, now, office), 400, now, MEXICO)
    assert found.time_left is not None
    assert 3 * DAY < found.time_left < 12 * DAY
    assert found.peak_day == 80


def test_what_comes_after_now_is_not_known() -> None:
    now = at(2026, 5, 8)
    history = stamped(now - 30 * DAY, now, office)
    assert forecast([*history, (now + 1, 10**6)], 400, now, MEXICO) == forecast(history, 400, now, MEXICO)


def test_nothing_available_leaves_no_time() -> None:
    now = at(2026, 5, 8)
    for history in (stamped(now - 60 * DAY, now, office), [(now - 60 * DAY, 0)]):
        assert forecast(history, 0, now, MEXICO).time_left == 0
        assert forecast(history, -5, now, MEXICO).time_left == 0


def test_who_stamps_nothing_has_five_years() -> None:
    now = at(2026, 5, 8)
    assert forecast([(now - 60 * DAY, 7)], 1, now, MEXICO) == Forecast(now, LONGEST, 0)


@pytest.mark.parametrize(("ago", "least"), [(2, 20), (30, 20), (200, 1000)])
def test_a_single_stamp_is_no_trend(ago: int, least: float) -> None:
    now = at(2026, 5, 20)
    history = [(now - 300 * DAY, 0), (now - ago * DAY, 1)]
    assert least < days_left(history, 3, now) <= LONGEST / DAY


def test_an_office_that_closes_at_the_weekend_runs_out_on_a_working_day() -> None:
    now = at(2026, 5, 21, 18)  # a Thursday: Friday 80, then two days of nothing
    history = stamped(now - 70 * DAY, now, office)
    friday, monday = days_left(history, 60, now), days_left(history, 95, now)
    assert at(2026, 5, 22, 9) < now + friday * DAY < at(2026, 5, 22, 17, 30)
    assert at(2026, 5, 25, 9) < now + monday * DAY < at(2026, 5, 25, 17, 30)


@pytest.mark.parametrize(
    ("now", "payday"),
    [
        (at(2026, 5, 6), date(2026, 5, 15)),
        (at(2026, 5, 21), date(2026, 5, 29)),  # the 31st is a Sunday
        (at(2026, 8, 6), date(2026, 8, 14)),  # the 15th is a Saturday
        (at(2027, 2, 20), date(2027, 2, 26)),  # the 28th is a Sunday
        (at(2024, 2, 20), date(2024, 2, 29)),  # a leap year
        (at(2024, 12, 22), date(2024, 12, 31)),  # a year ends
    ],
)
@pytest.mark.parametrize("workers", [40, 300])
def test_payroll_empties_a_package_on_payday(now: float, payday: date, workers: int) -> None:
    history = stamped(now - 75 * DAY, now, payroll(workers))
    zero = datetime.fromtimestamp(now + days_left(history, workers * 3 // 4, now) * DAY, MEXICO)
    assert timedelta(-1) <= zero.date() - payday <= timedelta(1)


def test_just_after_a_payday_there_is_time_until_the_next() -> None:
    now = at(2026, 5, 15, 18)
    history = stamped(now - 75 * DAY, now, payroll(200))
    assert days_left(history, 150, now) > 12
    assert days_left(history, 275, now) > 26


def test_payroll_that_is_late_is_still_expected() -> None:
    now = at(2026, 5, 18, 9)  # the 15th was the Friday before
    history = [row for row in stamped(now - 75 * DAY, now, payroll(200)) if row[0] < at(2026, 5, 10)]
    assert days_left(history, 150, now) < 2


def test_december_has_one_more_payroll() -> None:
    now = at(2026, 12, 7)
    history = stamped(now - 75 * DAY, now, payroll(200))
    assert days_left(history, 300, now) < 9  # the bonus, and the 15th
    now = at(2026, 11, 7)
    history = stamped(now - 75 * DAY, now, payroll(200))
    assert days_left(history, 300, now) > 18


def test_a_month_that_closes_at_its_end_does_so_again() -> None:
    def closing(when: datetime) -> int:
        return office(when) // 5 if when.day < 28 else office(when) * 3

    now = at(2026, 5, 20)
    assert 6 < days_left(stamped(now - 75 * DAY, now, closing), 250, now) < 10


def test_one_batch_that_comes_once_is_no_habit() -> None:
    now = at(2026, 5, 25)

    def once(when: datetime) -> int:
        return office(when) // 10 + (400 if (when.month, when.day, when.hour) == (5, 7, 12) else 0)

    usual = stamped(now - 75 * DAY, now, lambda when: office(when) // 10)
    assert days_left(stamped(now - 75 * DAY, now, once), 100, now) == pytest.approx(
        days_left(usual, 100, now), rel=0.1
    )


def test_a_month_end_that_is_ahead_of_others_stays_so() -> None:
    def closing(often: int) -> Callable[[datetime], int]:
        def stamps(when: datetime) -> int:
            this = often if (when.month, when.day) >= (5, 26) else 3
            return office(when) * this if when.day >= 26 else office(when) // 10

        return stamps

    now = at(2026, 5, 28, 18)
    calm, fierce = (stamped(now - 100 * DAY, now, closing(often)) for often in (3, 6))
    assert days_left(calm, 450, now) > 3
    assert days_left(fierce, 450, now) < 1.5


def test_months_that_differ_leave_less_time() -> None:
    def closing(when: datetime) -> int:
        return (1 + 2 * (when.month % 2)) * office(when) if when.day >= 26 else office(when) // 10

    def alike(when: datetime) -> int:
        return office(when) * 2 if when.day >= 26 else office(when) // 10

    now = at(2026, 5, 20)
    differ, same = (habits(stamped(now - 110 * DAY, now, kind), now, MEXICO) for kind in (closing, alike))
    assert differ is not None
    assert same is not None
    assert differ.busy["turn"].spread > 1.5 * same.busy["turn"].spread


def test_the_peak_day_is_of_any_24_hours_of_the_last_35_days() -> None:
    now = at(2026, 5, 20)
    history = [
        (now - 60 * DAY, 0),
        (now - 40 * DAY, 500),  # too long ago
        (now - 20 * DAY, 510),
        (now - 20 * DAY + 12 * HOUR, 540),
        (now - 19 * DAY - 1, 560),
        (now - 19 * DAY, 600),  # 24 h after the first of them: 20 + 30 + 40 without it
    ]
    assert forecast(history, 100, now, MEXICO).peak_day == 90


def test_a_step_after_a_gap_is_not_lost() -> None:
    now = at(2026, 5, 20)
    whole = stamped(now - 75 * DAY, now, office)
    gap = [row for row in whole if not at(2026, 5, 4) < row[0] < at(2026, 5, 7)]
    assert days_left(gap, 500, now) == pytest.approx(days_left(whole, 500, now), rel=0.3)


@pytest.mark.parametrize("wrong", [(at(2026, 4, 1, 3), 3000), (at(2026, 5, 18, 3), 5)])
def test_a_clock_that_was_wrong_for_a_while_changes_nothing(wrong: tuple[float, int]) -> None:
    now = at(2026, 5, 20)
    history = stamped(now - 75 * DAY, now, office)
    assert forecast(sorted([*history, wrong]), 500, now, MEXICO) == forecast(history, 500, now, MEXICO)


@pytest.mark.parametrize(
    "zone", ["America/Mexico_City", "America/Tijuana", "Europe/Madrid", "Asia/Kathmandu"]
)
@pytest.mark.parametrize("now", [(2026, 3, 8, 12), (2026, 3, 29, 0), (2026, 10, 25, 23, 59)])
def test_days_are_those_of_the_zone(zone: str, now: tuple[int, ...]) -> None:
    where = ZoneInfo(zone)
    moment = at(*now, zone=where)
    history = stamped(moment - 60 * DAY, moment, office, where)
    known = habits(history, moment, where)
    assert known is not None
    assert known.weekdays == pytest.approx([80] * 5 + [0] * 2, abs=0.2)
    zero = datetime.fromtimestamp(moment + days_left(history, 400, moment, where) * DAY, where)
    assert zero.weekday() < 5
    assert 9 <= zero.hour < 18


def test_where_midnight_does_not_exist_days_still_add_up() -> None:
    where = ZoneInfo("America/Asuncion")
    now = at(2024, 10, 20, zone=where)
    history = stamped(now - 60 * DAY, now, office, where)
    assert 5 < days_left(history, 500, now, where) < 12


@pytest.mark.parametrize(
    ("day", "name", "place"),
    [
        (date(2026, 5, 1), "turn", 4),
        (date(2026, 5, 5), "turn", 6),
        (date(2026, 5, 12), "", 0),
        (date(2026, 5, 13), "middle", 1),
        (date(2026, 5, 15), "middle", 3),
        (date(2026, 5, 19), "middle", 5),
        (date(2026, 5, 20), "", 0),
        (date(2026, 8, 14), "middle", 3),  # payday, as the 15th is a Saturday
        (date(2026, 8, 15), "middle", 3),
        (date(2026, 12, 8), "middle", 0),
        (date(2026, 12, 20), "middle", 5),
        (date(2026, 5, 25), "", 0),
        (date(2026, 5, 26), "turn", 0),
        (date(2026, 5, 29), "turn", 3),
        (date(2026, 5, 31), "turn", 3),
        (date(2024, 2, 29), "turn", 3),
        (date(2026, 2, 27), "turn", 3),
        (date(2026, 3, 1), "turn", 4),
        (date(2026, 1, 1), "turn", 4),
    ],
)
def test_busy_times_follow_the_calendar(day: date, name: str, place: int) -> None:
    busy = busy_time(day.toordinal())
    assert (busy.name, busy.place) == (name, place) if busy else not name


def test_busy_times_do_not_overlap_and_hold_all_their_days() -> None:
    first = date(2023, 1, 1).toordinal()
    for day in range(first, first + 5 * 366):
        busy = busy_time(day)
        if busy:
            assert busy.since <= day <= busy.until
            for other in (busy.since, busy.until):
                found = busy_time(other)
                assert found is not None
                assert found[:3] == busy[:3]


steps = st.lists(
    st.tuples(st.floats(60, 12 * DAY), st.one_of(st.just(0), st.integers(0, 5), st.integers(0, 50_000))),
    max_size=60,
)
nows = st.floats(at(2024, 1, 1), at(2028, 3, 2))


def history_of(now: float, ages: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    rows, moment, consumed = [], now, sum(stamps for _, stamps in ages)
    for age, stamps in ages:
        rows.append((moment, consumed))
        moment, consumed = moment - age, consumed - stamps
    return rows[::-1]


@settings(max_examples=300, deadline=None)
@given(nows, steps, st.integers(0, 10**7), st.integers(0, 10**4))
def test_more_stamps_never_give_less_time(
    now: float, ages: list[tuple[float, int]], available: int, more: int
) -> None:
    history = history_of(now, ages)
    less, much = (forecast(history, stamps, now, MEXICO) for stamps in (available, available + more))
    assert (less.time_left is None) == (not history or now - history[0][0] < ENOUGH)
    assert less.peak_day == much.peak_day
    if less.time_left is not None and much.time_left is not None and less.peak_day is not None:
        assert math.isfinite(less.time_left)
        assert 0 <= less.time_left <= much.time_left <= LONGEST
        assert 0 <= less.peak_day <= history[-1][1] - history[0][1]
        assert (less.time_left == 0) <= (available == 0) or less.time_left < DAY


@settings(max_examples=200, deadline=None)
@given(nows, st.lists(st.tuples(st.floats(0, 100 * DAY), st.integers(0, 1000)), max_size=40))
def test_whatever_clocks_have_done_there_is_an_answer(now: float, rows: list[tuple[float, int]]) -> None:
    found = forecast(sorted((now - age, consumed) for age, consumed in rows), 50, now, MEXICO)
    if found.time_left is not None and found.peak_day is not None:
        assert 0 < found.time_left <= LONGEST
        assert 0 <= found.peak_day <= 1000


def test_time_left_falls_as_time_goes_by_without_use() -> None:
    begin = at(2026, 5, 20, 18)
    history = stamped(begin - 75 * DAY, begin, office)
    lefts = [days_left(history, 450, begin + hours * HOUR) for hours in range(15)]  # a night
    assert all(later < earlier for earlier, later in pairwise(lefts))
