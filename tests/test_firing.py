"""Which alerts hold: pure functions of what is known and `now`."""

from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.alerts import firing
from monitor.config import Target
from monitor.config.target import Limits, Thresholds
from monitor.forecast import Forecast
from monitor.model import AccountStatus, Failure, Reading, Reason
from monitor.state import Row, Snapshot

NOW = 1_790_000_000.0
DAY, HOUR = 86400.0, 3600.0
RFC = "H&E951128469"
THRESHOLDS = Thresholds(Limits(50, None, 10.0), Limits(10, None, 3.0))


def row(available: int | None = 500, *, age: float = 60.0, **known: Any) -> Row:
    target = Target(
        "norte",
        RFC,
        known.pop("alias", ""),
        900.0,
        known.pop("limits", THRESHOLDS),
        known.pop("expires", None),
    )
    reading = None if available is None else Reading(NOW - age, 1000, 1000 - available, available, "200")
    last = Failure(NOW, Reason.UNAVAILABLE, "500", "") if known.pop("failing", False) else reading
    return Row(target, reading, last, **known)


def alerts(
    *rows: Row, accounts: tuple[AccountStatus, ...] = (), since: float = NOW - DAY
) -> list[dict[str, str]]:
    shot = Snapshot(NOW, DAY, rows, {}, accounts, [])
    return [dict(alert.labels) | alert.annotations for alert in firing(shot, since)]


def names(*rows: Row, **facts: Any) -> list[tuple[str, str]]:
    return [(alert["alertname"], alert["severity"]) for alert in alerts(*rows, **facts)]


def test_nothing_holds_when_all_is_well() -> None:
    fine = row(forecast=Forecast(NOW, 30 * DAY, 100), expires=NOW + 90 * DAY)
    assert names(fine, accounts=(AccountStatus("norte", None, unproven=False),)) == []


@pytest.mark.parametrize(
    ("available", "severities"),
    [(51, []), (50, ["warning"]), (11, ["warning"]), (10, ["warning", "critical"])],
)
def test_a_threshold_is_reached_at_its_very_number(available: int, severities: list[str]) -> None:
    assert names(row(available)) == [("TimbresLow", severity) for severity in severities]


def test_a_ratio_counts_as_its_share_of_the_contracted_stamps() -> None:
    limits = Thresholds(Limits(50, 0.2, None), Limits(None, None, None))
    assert names(row(200, limits=limits)) == [("TimbresLow", "warning")]
    assert names(row(201, limits=limits)) == []


def test_no_stamps_left_is_exhausted_and_below_both_thresholds() -> None:
    assert names(row(0)) == [
        ("TimbresExhausted", "critical"),
        ("TimbresLow", "warning"),
        ("TimbresLow", "critical"),
    ]


def test_stamps_that_will_not_last_are_told_by_severity() -> None:
    assert names(row(forecast=Forecast(NOW, 10 * DAY, None))) == [("TimbresWillRunOut", "warning")]
    assert names(row(forecast=Forecast(NOW, 3 * DAY, None))) == [
        ("TimbresWillRunOut", "warning"),
        ("TimbresWillRunOut", "critical"),
    ]
    assert names(row(forecast=Forecast(NOW, 10.01 * DAY, None))) == []
    assert names(row(forecast=Forecast(NOW, None, None))) == []


def test_a_condition_that_is_switched_off_tells_nothing() -> None:
    off = Thresholds(Limits(None, None, None), Limits(None, None, None))
    assert names(row(5, limits=off, forecast=Forecast(NOW, DAY, None))) == []


def test_a_peak_that_does_not_fit() -> None:
    assert names(row(499, forecast=Forecast(NOW, None, 500))) == [("TimbresPeakDoesNotFit", "warning")]
    assert names(row(500, forecast=Forecast(NOW, None, 500))) == []


def test_a_package_that_expires_is_told_a_month_and_a_week_before() -> None:
    assert names(row(expires=NOW + 30.1 * DAY)) == []
    assert names(row(expires=NOW + 30 * DAY)) == [("TimbresPackageExpires", "warning")]
    assert names(row(expires=NOW + 7 * DAY)) == [
        ("TimbresPackageExpires", "warning"),
        ("TimbresPackageExpires", "critical"),
    ]


def test_the_last_day_of_a_package_is_named_as_it_was_configured() -> None:
    midnight = datetime(2026, 10, 1, 6, tzinfo=UTC).timestamp()  # the end of 30 September in Mexico City
    assert "2026-09-30" in alerts(row(expires=midnight))[0]["summary"]


def test_data_is_missing_after_two_hours_of_failures_or_a_day_of_silence() -> None:
    assert names(row(age=2.1 * HOUR, failing=True)) == [("TimbresNoData", "warning")]
    assert names(row(age=1.9 * HOUR, failing=True)) == []
    assert names(row(age=24 * HOUR)) == []
    assert names(row(age=25.1 * HOUR)) == [("TimbresNoData", "warning")]


def test_an_rfc_that_never_had_a_reading_is_told_after_a_while() -> None:
    never = row(None)
    assert names(never, since=NOW - 60) == []
    assert names(never) == [("TimbresNoData", "warning")]
    assert "never" in alerts(never)[0]["description"]
    assert "nunca" in alerts(never)[0]["description_es"]


def test_what_was_last_known_of_stamps_is_told_past_its_expiry() -> None:
    assert ("TimbresLow", "critical") in names(row(5, age=3 * DAY, failing=True))


def test_a_held_account_is_critical_and_says_why() -> None:
    held = AccountStatus("norte", "601", unproven=True, at=NOW)
    (alert,) = alerts(accounts=(held,))
    assert (alert["alertname"], alert["severity"], alert["account"]) == (
        "TimbresAccountHeld",
        "critical",
        "norte",
    )
    assert "601" in alert["summary"]
    assert "rfc" not in alert


def test_texts_name_the_rfc_as_people_know_it_in_both_languages() -> None:
    (alert,) = alerts(row(42, alias="Herrerías"))
    assert alert["summary"] == f"{RFC} (Herrerías): 42 stamps left"
    assert "le quedan 42 timbres; el límite es 50" in alert["description_es"]
    assert alert["runbook_url"].endswith("/TimbresLow.md")
