"""Levels: pure functions of what is known and of the time."""

from dataclasses import replace
from itertools import permutations

import pytest

from monitor.alerts import Crossing, Level, crossings, level, worst
from monitor.config import Target
from monitor.config.target import DEFAULTS, Limits, Thresholds
from monitor.forecast import Forecast
from monitor.model import Failure, Reading, Reason
from monitor.state import Row

NOW = 1_790_000_000.0
DAY = 86400.0
OFF = Limits(None, None, None)
FAILURE = Failure(NOW, Reason.UNAVAILABLE, "500", "trouble")


def row(
    available: int = 1_000, contracted: int | None = 1_000, limits: Thresholds = DEFAULTS, age: float = 60.0
) -> Row:
    """A target that was read `age` seconds ago."""
    used = None if contracted is None else contracted - available
    reading = Reading(NOW - age, contracted, used, available, "200")
    target = Target("norte", "EKU9003173C9", "", 900.0, limits, None)
    return Row(target, reading, reading, attempted_at=reading.at)


def of(row: Row, *, held: bool = False) -> Level:
    return level(row, NOW, DAY, held=held)


@pytest.mark.parametrize(
    ("available", "expected"),
    [(51, Level.OK), (50, Level.WARNING), (11, Level.WARNING), (10, Level.CRITICAL), (0, Level.CRITICAL)],
)
def test_a_threshold_is_reached_when_as_many_stamps_are_left(available: int, expected: Level) -> None:
    assert of(row(available)) is expected


@pytest.mark.parametrize(
    ("available", "contracted", "expected"),
    [
        (291, 1_000, Level.OK),
        (290, 1_000, Level.WARNING),  # 0.29 × 1,000 is 289.99999999999994
        (101, 1_000, Level.WARNING),
        (100, 1_000, Level.CRITICAL),
        (100, 10_000_000, Level.CRITICAL),
        (5, None, Level.OK),  # a ratio of nobody knows what
    ],
)
def test_a_ratio_counts_once_the_contracted_stamps_are_known(
    available: int, contracted: int | None, expected: Level
) -> None:
    limits = Thresholds(Limits(None, 0.29, None), Limits(None, 0.10, None))
    assert of(row(available, contracted, limits)) is expected


@pytest.mark.parametrize(
    ("available", "expected"),
    [(300, Level.WARNING), (301, Level.OK), (151, Level.WARNING), (150, Level.CRITICAL)],
)
def test_any_one_condition_is_enough(available: int, expected: Level) -> None:
    limits = Thresholds(Limits(300, 0.20, None), Limits(100, 0.15, None))
    assert of(row(available, 1_000, limits)) is expected


def test_a_condition_that_is_switched_off_is_never_reached() -> None:
    assert of(row(1, limits=Thresholds(OFF, OFF))) is Level.OK
    assert of(row(1, limits=Thresholds(Limits(1, None, None), OFF))) is Level.WARNING
    assert of(row(2, limits=Thresholds(Limits(1, None, None), OFF))) is Level.OK
    assert of(row(1, limits=Thresholds(OFF, Limits(1, None, None)))) is Level.CRITICAL


def test_no_stamps_left_is_critical_whatever_is_configured() -> None:
    assert of(row(0, limits=Thresholds(OFF, OFF))) is Level.CRITICAL


@pytest.mark.parametrize(
    ("days", "expected"),
    [(10.01, Level.OK), (10.0, Level.WARNING), (3.01, Level.WARNING), (3.0, Level.CRITICAL)],
)
def test_stamps_that_will_not_last_long_enough_count_as_much_as_few_stamps(
    days: float, expected: Level
) -> None:
    assert of(replace(row(), forecast=Forecast(NOW, days * DAY, None))) is expected


def test_without_a_forecast_or_a_limit_of_days_only_the_stamps_count() -> None:
    assert of(replace(row(), forecast=Forecast(NOW, None, None))) is Level.OK
    limits = Thresholds(Limits(50, None, None), OFF)
    assert of(replace(row(limits=limits), forecast=Forecast(NOW, DAY, None))) is Level.OK


def test_every_threshold_that_is_reached_is_named_with_its_value() -> None:
    found = list(crossings(replace(row(10), forecast=Forecast(NOW, 5 * DAY, None)), row(10).reading))
    assert found == [
        Crossing(Level.WARNING, "available", 10, 50),
        Crossing(Level.WARNING, "days_left", 5.0, 10.0),
        Crossing(Level.CRITICAL, "available", 10, 10),
    ]


def test_a_reading_counts_until_it_expires() -> None:
    assert of(row(0, age=DAY - 1)) is Level.CRITICAL
    assert of(row(0, age=DAY)) is Level.UNKNOWN
    assert of(row(1_000, age=DAY)) is Level.UNKNOWN


def test_a_reading_of_the_future_counts() -> None:
    assert of(row(0, age=-3600.0)) is Level.CRITICAL
    assert of(row(1_000, age=-3600.0)) is Level.OK


def test_without_a_reading_nothing_is_known() -> None:
    bare = Row(row().target)
    assert of(bare) is Level.UNKNOWN
    assert of(bare.then(FAILURE)) is Level.UNKNOWN


@pytest.mark.parametrize("reason", list(Reason))
def test_a_target_that_failed_when_last_asked_is_unknown_unless_a_threshold_is_reached(
    reason: Reason,
) -> None:
    failure = replace(FAILURE, reason=reason)
    assert of(row(1_000).then(failure)) is Level.UNKNOWN
    assert of(row(50).then(failure)) is Level.WARNING
    assert of(row(10).then(failure)) is Level.CRITICAL


def test_a_failure_of_the_process_before_counts_the_same() -> None:
    restored = replace(row(1_000), last=None)
    assert of(restored) is Level.OK
    assert of(replace(restored, attempted_at=NOW)) is Level.UNKNOWN
    assert of(replace(row(10), last=None, attempted_at=NOW)) is Level.CRITICAL


def test_a_reading_ends_a_failure() -> None:
    again = Reading(NOW, 1_000, 0, 1_000, "200")
    assert of(row(1_000).then(FAILURE).then(again)) is Level.OK


def test_running_out_is_critical_and_no_failure() -> None:
    out = Reading(NOW, None, None, 0, "631")
    assert of(row(1_000).then(out)) is Level.CRITICAL


def test_a_held_account_is_unknown_unless_a_threshold_is_reached() -> None:
    assert of(row(1_000), held=True) is Level.UNKNOWN
    assert of(row(50), held=True) is Level.WARNING
    assert of(row(10), held=True) is Level.CRITICAL


def test_the_worst_is_critical_then_warning_then_unknown_then_ok() -> None:
    order = [Level.CRITICAL, Level.WARNING, Level.UNKNOWN, Level.OK]
    for place, expected in enumerate(order):
        for some in permutations(order[place:]):
            assert worst(list(some)) is expected


def test_of_nothing_nothing_is_known() -> None:
    assert worst([]) is Level.UNKNOWN
