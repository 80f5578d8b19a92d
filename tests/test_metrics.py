"""The exposition says what was learned, no more and no less, in the words of prometheus-client."""

import asyncio
import platform
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from monitor.config import Limits, Target, Thresholds
from monitor.forecast import Forecast
from monitor.metrics import Metrics
from monitor.model import (
    IMPLEMENTATION,
    AccountStatus,
    EndpointStatus,
    Failure,
    Outcome,
    Reading,
    Reason,
    StoreStatus,
    share,
)
from monitor.simulator import Issuer, Pac
from monitor.state import Row, Snapshot, State
from tests.service import Exposition
from tests.watching import EPOCH, FIRST, account, paying, watching

NOW = 1_790_000_000.0
DAY = 86400.0
RFC = "H&E951128469"
OTHER = "EKU9003173C9"  # has its first turn later
LABELS = {"account": "norte", "rfc": RFC}

NONE = Limits(None, None, None)
LIMITS = Thresholds(Limits(50, None, 10.0), Limits(10, None, 3.0))
TARGET = Target("norte", RFC, "", 900.0, LIMITS, None)

GOOD = Reading(NOW, 1000, 40, 950, "200")
NUMBERS = ("timbres_contracted", "timbres_used", "timbres_available")


def failed(reason: Reason = Reason.UNAVAILABLE, code: str = "500", at: float = NOW) -> Failure:
    return Failure(at, reason, code, "said the PAC", sent=reason is not Reason.HELD)


def snapshot(
    rows: Iterable[Row] = (),
    *,
    at: float = NOW,
    expire_after: float = DAY,
    responses: dict[tuple[str, str], int] | None = None,
    accounts: tuple[AccountStatus, ...] = (),
    endpoints: tuple[EndpointStatus, ...] = (),
) -> Snapshot:
    return Snapshot(at, expire_after, tuple(rows), responses or {}, accounts, endpoints)


def exposition(shot: Snapshot, *, as_openmetrics: bool) -> str:
    text = Metrics.probe(shot, as_openmetrics=as_openmetrics).decode()
    return text.removesuffix("# EOF\n") if as_openmetrics else text


def told(shot: Snapshot) -> Exposition:
    return Exposition(exposition(shot, as_openmetrics=False))


def after(*outcomes: Outcome, target: Target = TARGET, at: float = NOW) -> Exposition:
    """The exposition of one target to which these happened."""
    state = State()
    state.apply([target], {target.account: ""})
    for outcome in outcomes:
        state.record(target, outcome)
    return told(snapshot(state.rows(), at=at, responses=state.responses()))


def limited(warning: Limits, critical: Limits = NONE, **changes: Any) -> Target:
    facts = {"alias": "", "interval": 900.0, "expires_at": None} | changes
    return Target("norte", RFC, thresholds=Thresholds(warning, critical), **facts)


def numbers(scrape: Exposition) -> tuple[float | None, ...]:
    return tuple(scrape(name, **LABELS) for name in NUMBERS)


# Byte for byte what prometheus-client prints


class Independent:
    """The series of a snapshot made once more, from the contract, of prometheus-client's families,
    in the order in which targets are polled.

    Only the order of the families and their words of help are taken from `text`.
    """

    def __init__(self, shot: Snapshot, text: str) -> None:
        self.shot = replace(shot, rows=sorted(shot.rows, key=lambda row: share(row.target.key)))
        self.helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE))
        self.order = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)

    def collect(self) -> list[Metric]:
        families = {}
        for family in self.families():
            name = family.name + "_total" * (family.type == "counter")
            family.documentation = self.helps.get(name) or self.helps[family.name]
            families[name] = families[family.name] = family
        names = {family.name for family in families.values()}
        assert sorted(families[name].name for name in self.order) == sorted(names)
        return [families[name] for name in self.order]

    def families(self) -> Iterator[Metric]:
        yield from self.of_readings()
        yield from self.of_limits()
        yield from self.of_targets()
        yield from self.of_errors()
        yield from self.of_accounts()
        yield from self.of_endpoints()
        yield from self.of_store()

    def of_readings(self) -> Iterator[Metric]:
        for what in ("contracted", "used", "available"):
            family = GaugeMetricFamily(f"timbres_{what}", "", labels=["account", "rfc"])
            for row in self.shot.rows:
                if row.reading and self.shot.at < row.reading.at + self.shot.expire_after:
                    value = {
                        "contracted": row.reading.contracted,
                        "used": row.reading.used,
                        "available": row.reading.available,
                    }[what]
                    if value is not None:
                        family.add_metric([row.target.account, row.target.rfc], value)
            yield family

    def of_limits(self) -> Iterator[Metric]:
        labels = ["account", "rfc", "severity"]
        stamps = GaugeMetricFamily("timbres_available_threshold", "", labels=labels)
        left = GaugeMetricFamily("timbres_time_left_threshold_seconds", "", labels=labels)
        for row in self.shot.rows:
            chosen = {"critical": row.target.thresholds.critical, "warning": row.target.thresholds.warning}
            for severity, limits in chosen.items():
                series = [row.target.account, row.target.rfc, severity]
                found = [] if limits.available is None else [limits.available]
                if limits.ratio is not None and row.reading and row.reading.contracted is not None:
                    found.append(floor(Fraction(str(limits.ratio)) * row.reading.contracted))
                if found:
                    stamps.add_metric(series, max(found))
                if limits.days_left is not None:
                    left.add_metric(series, limits.days_left * 86400)
        yield stamps
        yield left

    def of_targets(self) -> Iterator[Metric]:
        labels = ["account", "rfc"]
        expiry = GaugeMetricFamily("timbres_expiry_timestamp_seconds", "", labels=labels)
        up = GaugeMetricFamily("timbres_up", "", labels=labels)
        success = GaugeMetricFamily("timbres_last_success_timestamp_seconds", "", labels=labels)
        polls = CounterMetricFamily("timbres_polls", "", labels=labels)
        info = GaugeMetricFamily("timbres_rfc_info", "", labels=["rfc", "account", "alias"])
        for row in self.shot.rows:
            series = [row.target.account, row.target.rfc]
            if row.target.expires_at is not None:
                expiry.add_metric(series, row.target.expires_at)
            up.add_metric(series, 1 if isinstance(row.last, Reading) else 0)
            if row.reading is not None:
                success.add_metric(series, row.reading.at)
            polls.add_metric(series, row.polls)
            info.add_metric([row.target.rfc, row.target.account, row.target.alias], 1)
        yield from (expiry, up, success, polls, info)

    def of_errors(self) -> Iterator[Metric]:
        errors = CounterMetricFamily("timbres_poll_errors", "", labels=["account", "rfc", "reason"])
        for row in self.shot.rows:
            for reason, count in row.errors:
                errors.add_metric([row.target.account, row.target.rfc, reason.value], count)
        yield errors
        responses = CounterMetricFamily("timbres_responses", "", labels=["code", "account"])
        for (name, code), count in self.shot.responses.items():
            responses.add_metric([code, name], count)
        yield responses

    def of_accounts(self) -> Iterator[Metric]:
        held = GaugeMetricFamily("timbres_account_held", "", labels=["account"])
        why = GaugeMetricFamily("timbres_account_hold_info", "", labels=["code", "account"])
        unproven = GaugeMetricFamily("timbres_account_unproven", "", labels=["account"])
        for status in self.shot.accounts:
            held.add_metric([status.name], 0 if status.hold is None else 1)
            if status.hold is not None:
                why.add_metric([status.hold, status.name], 1)
            unproven.add_metric([status.name], 1 if status.unproven else 0)
        yield from (held, why, unproven)

    def of_endpoints(self) -> Iterator[Metric]:
        under_way = GaugeMetricFamily("timbres_polls_in_flight", "", labels=["pac"])
        limit = GaugeMetricFamily("timbres_concurrency_limit", "", labels=["pac"])
        for status in self.shot.endpoints:
            under_way.add_metric([status.endpoint], status.in_flight)
            limit.add_metric([status.endpoint], status.limit)
        yield from (under_way, limit)

    def of_store(self) -> Iterator[Metric]:
        consumed = CounterMetricFamily("timbres_consumed", "", labels=["account", "rfc"])
        for row in self.shot.rows:
            if row.committed is not None:
                consumed.add_metric([row.target.account, row.target.rfc], row.committed)
        yield consumed
        left = GaugeMetricFamily("timbres_time_left_seconds", "", labels=["account", "rfc"])
        peak = GaugeMetricFamily("timbres_peak_day", "", labels=["account", "rfc"])
        for row in self.shot.rows:
            if row.forecast and row.reading and self.shot.at < row.reading.at + self.shot.expire_after:
                if row.forecast.time_left is not None:
                    left.add_metric([row.target.account, row.target.rfc], row.forecast.time_left)
                if row.forecast.peak_day is not None:
                    peak.add_metric([row.target.account, row.target.rfc], row.forecast.peak_day)
        yield from (left, peak)
        yield GaugeMetricFamily("timbres_state_writable", "", int(self.shot.store.writable))
        yield CounterMetricFamily("timbres_state_write_errors", "", self.shot.store.write_errors)
        yield GaugeMetricFamily("timbres_state_queue", "", self.shot.store.queue)


HOSTILE = (
    '"',
    "\\",
    "\n",
    '\\n"',
    '\\"',
    "\\\\n",
    "🧾 ñ",
    "\u202eشركة",
    "a\u2028b",
    "\r",
    "\0",
    "{}",
    " ",
    "a,b=",
)

words = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
stamps = st.integers(0, 10**12) | st.integers(0, 100)
times = st.floats(0, 4e9)
counts = st.integers(1, 10**12)
codes = st.sampled_from(("200", "630", "503", "601", "999", "other", "timeout", "http_429")) | words
limits = st.builds(
    Limits,
    st.none() | stamps,
    st.none() | st.sampled_from((1.0, 0.5, 0.25, 0.125)),  # products are exact, however large
    st.none() | st.floats(0.001, 36500),
)
readings = st.builds(Reading, times, st.none() | stamps, st.none() | stamps, stamps, codes)
failures = st.builds(Failure, times, st.sampled_from(Reason), codes, words)
targets = st.builds(
    Target, words, words, words, st.just(900.0), st.builds(Thresholds, limits, limits), st.none() | times
)
rows = st.builds(
    Row,
    targets,
    st.none() | readings,
    st.none() | readings | failures,
    st.integers(0, 10**12),
    st.dictionaries(st.sampled_from(Reason), counts).map(lambda found: tuple(sorted(found.items()))),
    st.none() | times,
    st.none() | counts,
    st.none() | counts,
    st.none() | st.builds(Forecast, st.none() | times, st.none() | counts),
)
snapshots = st.builds(
    Snapshot,
    times,
    st.floats(1, 4e9),
    st.lists(rows, max_size=4, unique_by=lambda row: row.target.key),
    st.dictionaries(st.tuples(words, codes), counts, max_size=5),
    st.lists(
        st.builds(AccountStatus, words, st.none() | codes, st.booleans()),
        max_size=3,
        unique_by=lambda status: status.name,
    ),
    st.lists(
        st.builds(EndpointStatus, words, st.integers(0, 10_000), st.integers(1, 10_000)),
        max_size=3,
        unique_by=lambda status: status.endpoint,
    ),
    st.builds(StoreStatus, st.booleans(), counts, counts),
)


@given(snapshots)
@settings(deadline=None)
def test_the_text_format_is_what_prometheus_client_prints(shot: Snapshot) -> None:
    ours = exposition(shot, as_openmetrics=False)
    theirs: Any = Independent(shot, ours)
    assert ours.encode() == generate_latest(theirs)


@given(snapshots)
@settings(deadline=None)
def test_openmetrics_is_what_prometheus_client_prints(shot: Snapshot) -> None:
    ours = exposition(shot, as_openmetrics=True)
    theirs: Any = Independent(shot, ours)
    assert ours.encode() + b"# EOF\n" == openmetrics.generate_latest(theirs)


@pytest.mark.parametrize("alias", HOSTILE)
def test_a_hostile_name_comes_back_as_it_was(alias: str) -> None:
    shot = snapshot([Row(limited(NONE, alias=alias))])
    assert told(shot)("timbres_rfc_info", **LABELS, alias=alias) == 1
    text = exposition(shot, as_openmetrics=True) + "# EOF\n"
    (info,) = (family for family in parse_openmetrics(text) if family.name == "timbres_rfc_info")
    assert [sample.labels["alias"] for sample in info.samples] == [alias]


@pytest.mark.parametrize("as_openmetrics", [False, True])
def test_a_lone_surrogate_spoils_its_own_label_and_not_the_scrape(as_openmetrics: bool) -> None:
    target = limited(NONE, alias="Herrer\ud800as")
    page = Metrics("1.0").page(
        snapshot([Row(target, GOOD, GOOD, 1)]), as_openmetrics=as_openmetrics, compressed=False
    )
    scrape = Exposition(b"".join(page).decode().removesuffix("# EOF\n"))
    assert scrape("timbres_rfc_info", **LABELS, alias="Herrer?as") == 1
    assert numbers(scrape) == (1000, 40, 950)


# What is shown is what was learned


def test_before_the_first_answer_there_is_only_what_was_configured() -> None:
    scrape = after(target=limited(Limits(50, 0.2, 10.0), Limits(10, None, 3.0), expires_at=1.8e9))
    series = re.findall(r"^(timbres_\w+)\{", scrape.text, re.MULTILINE)
    assert sorted(series) == [
        "timbres_available_threshold",
        "timbres_available_threshold",
        "timbres_expiry_timestamp_seconds",
        "timbres_polls_total",
        "timbres_rfc_info",
        "timbres_time_left_threshold_seconds",
        "timbres_time_left_threshold_seconds",
        "timbres_up",
    ]
    assert scrape("timbres_up", **LABELS) == 0
    assert scrape("timbres_polls_total", **LABELS) == 0


def test_a_reading_is_shown_with_its_time() -> None:
    scrape = after(GOOD, at=NOW + 60)
    assert numbers(scrape) == (1000, 40, 950)
    assert scrape("timbres_up", **LABELS) == 1
    assert scrape("timbres_last_success_timestamp_seconds", **LABELS) == NOW
    assert scrape("timbres_polls_total", **LABELS) == 1
    assert scrape.all("timbres_poll_errors_total", **LABELS) == {}


def test_a_zero_that_the_pac_gave_is_news() -> None:
    assert numbers(after(Reading(NOW, 0, 0, 0, "200"))) == (0, 0, 0)


def test_a_failure_before_the_first_reading_makes_no_zero() -> None:
    scrape = after(failed())
    assert numbers(scrape) == (None, None, None)
    assert scrape("timbres_last_success_timestamp_seconds", **LABELS) is None
    assert scrape("timbres_up", **LABELS) == 0
    assert scrape("timbres_polls_total", **LABELS) == 1


def test_the_last_numbers_stay_with_their_time_while_polls_fail() -> None:
    scrape = after(GOOD, failed(at=NOW + 900), at=NOW + 1000)
    assert numbers(scrape) == (1000, 40, 950)
    assert scrape("timbres_last_success_timestamp_seconds", **LABELS) == NOW
    assert scrape("timbres_up", **LABELS) == 0


def test_numbers_disappear_after_expire_after_and_all_else_stays() -> None:
    target = limited(Limits(50, 0.2, 10.0))
    assert numbers(after(GOOD, failed(), target=target, at=NOW + DAY - 1)) == (1000, 40, 950)
    scrape = after(GOOD, failed(), target=target, at=NOW + DAY + 1)
    assert numbers(scrape) == (None, None, None)
    assert scrape("timbres_last_success_timestamp_seconds", **LABELS) == NOW
    assert scrape("timbres_available_threshold", **LABELS, severity="warning") == 200
    assert scrape("timbres_time_left_threshold_seconds", **LABELS, severity="warning") == 10 * DAY
    assert scrape("timbres_up", **LABELS) == 0
    assert scrape("timbres_polls_total", **LABELS) == 2
    assert scrape("timbres_rfc_info", **LABELS, alias="") == 1


def test_numbers_come_back_with_the_next_reading() -> None:
    late = NOW + 2 * DAY
    scrape = after(GOOD, failed(), Reading(late, 1000, 90, 900, "200"), at=late)
    assert numbers(scrape) == (1000, 90, 900)
    assert scrape("timbres_up", **LABELS) == 1


@pytest.mark.parametrize("code", ["630", "631"])
def test_stamps_that_ran_out_leave_contracted_and_used_as_they_were(code: str) -> None:
    scrape = after(GOOD, Reading(NOW + 900, None, None, 0, code), at=NOW + 900)
    assert numbers(scrape) == (1000, 40, 0)
    assert scrape("timbres_up", **LABELS) == 1
    assert scrape("timbres_last_success_timestamp_seconds", **LABELS) == NOW + 900
    assert scrape.all("timbres_responses_total", account="norte") == {"200": 1, code: 1}
    assert scrape.all("timbres_poll_errors_total", **LABELS) == {}


@pytest.mark.parametrize("code", ["630", "631"])
def test_stamps_that_ran_out_before_the_first_reading_show_a_zero_and_nothing_else(code: str) -> None:
    scrape = after(Reading(NOW, None, None, 0, code))
    assert numbers(scrape) == (None, None, 0)
    assert scrape("timbres_up", **LABELS) == 1
    assert scrape("timbres_last_success_timestamp_seconds", **LABELS) == NOW


@pytest.mark.parametrize(
    ("available", "ratio", "contracted", "shown"),
    [
        (50, None, None, 50),
        (0, None, 1000, 0),
        (50, 0.2, None, 50),  # a ratio counts once contracted is known
        (50, 0.2, 1000, 200),
        (500, 0.2, 1000, 500),
        (None, 0.2, 1000, 200),
        (None, 0.2, None, None),
        (None, None, 1000, None),
        (None, 0.2, 0, 0),
        (None, 0.29, 100, 29),  # 28.999999999999996
        (None, 0.57, 100, 57),  # 56.99999999999999
        (None, 1.0, 10**12 - 1, 10**12 - 1),
        (None, 0.2, 999, 199),  # stamps are whole
        (0, 0.001, 999, 0),
    ],
)
@pytest.mark.parametrize("severity", ["warning", "critical"])
def test_the_limit_is_the_larger_of_available_and_the_ratio_of_contracted(
    available: int | None, ratio: float | None, contracted: int | None, shown: int | None, severity: str
) -> None:
    limits = Limits(available, ratio, None)
    target = limited(NONE, limits) if severity == "critical" else limited(limits, NONE)
    outcome = Reading(NOW, contracted, 0, 0, "200") if contracted is not None else failed()
    found = after(outcome, target=target).all("timbres_available_threshold", **LABELS)
    assert found == ({} if shown is None else {severity: shown})


@given(st.integers(1, 100), st.integers(0, 10**6))
@settings(deadline=None)
def test_any_percentage_is_the_percentage_that_was_written(percent: int, contracted: int) -> None:
    target = limited(Limits(None, percent / 100, None))
    scrape = after(Reading(NOW, contracted, 0, 0, "200"), target=target)
    shown = scrape("timbres_available_threshold", **LABELS, severity="warning")
    assert shown == percent * contracted // 100


def test_a_ratio_still_counts_after_the_stamps_ran_out() -> None:
    scrape = after(GOOD, Reading(NOW, None, None, 0, "631"), target=limited(Limits(50, 0.2, None)))
    assert scrape("timbres_available_threshold", **LABELS, severity="warning") == 200


def test_days_left_are_configured_in_days_and_shown_in_seconds() -> None:
    scrape = after(target=limited(Limits(None, None, 10.0), Limits(None, None, 0.5)))
    found = scrape.all("timbres_time_left_threshold_seconds", **LABELS)
    assert found == {"warning": 864_000, "critical": 43_200}
    assert after(target=limited(NONE)).all("timbres_time_left_threshold_seconds", **LABELS) == {}


def test_an_expiry_is_shown_if_there_is_one_to_the_fraction() -> None:
    name = "timbres_expiry_timestamp_seconds"
    assert after(target=limited(NONE, expires_at=1801468799.25))(name, **LABELS) == 1801468799.25
    assert after(GOOD)(name, **LABELS) is None


def test_the_name_for_people_is_on_the_info_and_nowhere_else() -> None:
    scrape = after(GOOD, failed(), target=limited(Limits(50, 0.1, 3.0), alias="Herrerías", expires_at=1.8e9))
    assert scrape("timbres_rfc_info", **LABELS, alias="Herrerías") == 1
    assert [line for line in scrape.text.splitlines() if "Herrerías" in line or "alias=" in line] == [
        f'timbres_rfc_info{{account="norte",alias="Herrerías",rfc="{RFC}"}} 1.0'
    ]
    assert after(GOOD)("timbres_rfc_info", **LABELS, alias="") == 1


@pytest.mark.parametrize("reason", [r for r in Reason if r is not Reason.HELD])
def test_errors_are_counted_from_the_first_of_their_reason(reason: Reason) -> None:
    scrape = after(GOOD, failed(reason, "599"), failed(reason, "599"))
    assert scrape.all("timbres_poll_errors_total", **LABELS) == {reason.value: 2}
    assert scrape("timbres_polls_total", **LABELS) == 3
    assert scrape.all("timbres_responses_total", account="norte") == {"200": 1, "599": 2}


def test_a_turn_that_was_held_is_an_error_but_neither_a_poll_nor_an_answer() -> None:
    scrape = after(failed(Reason.REFUSED, "601"), *[failed(Reason.HELD, "601")] * 3)
    assert scrape.all("timbres_poll_errors_total", **LABELS) == {"refused": 1, "held": 3}
    assert scrape("timbres_polls_total", **LABELS) == 1
    assert scrape.all("timbres_responses_total", account="norte") == {"601": 1}
    assert scrape("timbres_up", **LABELS) == 0


def test_answers_are_counted_by_account_and_code_whatever_the_rfc() -> None:
    state = State()
    mine = [Target("norte", rfc, "", 900.0, LIMITS, None) for rfc in (RFC, OTHER)]
    other = Target("sur", RFC, "", 900.0, LIMITS, None)
    state.apply([*mine, other], {"norte": "", "sur": ""})
    for target in mine:
        state.record(target, GOOD)
        state.record(target, failed(code="timeout"))
    state.record(other, failed(Reason.GARBLED, "http_404"))
    scrape = told(snapshot(state.rows(), responses=state.responses()))
    assert scrape.all("timbres_responses_total", account="norte") == {"200": 2, "timeout": 2}
    assert scrape.all("timbres_responses_total", account="sur") == {"http_404": 1}


def test_an_account_says_whether_it_is_held_and_why_only_while_it_is() -> None:
    scrape = told(
        snapshot(accounts=(AccountStatus("norte", None, unproven=False), AccountStatus("sur", "601", True)))
    )
    assert scrape("timbres_account_held", account="norte") == 0
    assert scrape.all("timbres_account_hold_info", account="norte") == {}
    assert scrape("timbres_account_unproven", account="norte") == 0
    assert scrape("timbres_account_held", account="sur") == 1
    assert scrape.all("timbres_account_hold_info", account="sur") == {"601": 1}
    assert scrape("timbres_account_unproven", account="sur") == 1


def test_the_pool_has_the_series_of_any_rfc() -> None:
    pool = Target("norte", IMPLEMENTATION, "", 900.0, LIMITS, None)
    names = [
        re.findall(r"^timbres_\w+(?=.* )", after(GOOD, target=t).text, re.MULTILINE) for t in (pool, TARGET)
    ]
    assert names[0] == names[1]
    assert after(GOOD, target=pool)("timbres_available", account="norte", rfc="implementacion") == 950


def test_the_largest_number_of_the_wire_is_shown_whole() -> None:
    most = 10**12 - 1
    assert numbers(after(Reading(NOW, most, most, most, "200"))) == (most, most, most)


# The monitor's own metrics


def own(metrics: Metrics) -> Exposition:
    return Exposition(b"".join(metrics.page(snapshot(), as_openmetrics=False, compressed=False)).decode())


def test_polls_are_timed_and_their_lateness_too() -> None:
    metrics = Metrics("1.0")
    metrics.observe_poll(lag=0.2, duration=0.3)
    metrics.observe_poll(lag=7.0, duration=100.0)
    scrape = own(metrics)
    assert scrape("timbres_poll_duration_seconds_count") == 2
    assert scrape("timbres_poll_duration_seconds_sum") == pytest.approx(100.3)
    assert scrape("timbres_poll_duration_seconds_bucket", le="0.25") == 0
    assert scrape("timbres_poll_duration_seconds_bucket", le="0.5") == 1
    assert scrape("timbres_poll_duration_seconds_bucket", le="+Inf") == 2
    assert scrape("timbres_schedule_lag_seconds_sum") == pytest.approx(7.2)
    assert scrape("timbres_schedule_lag_seconds_bucket", le="0.1") == 0
    assert scrape("timbres_schedule_lag_seconds_bucket", le="0.25") == 1


def test_a_failed_reload_keeps_the_time_of_the_last_good_one() -> None:
    metrics = Metrics("1.0")
    for at, good, shown in ((NOW, True, NOW), (NOW + 1, False, NOW), (NOW + 2, True, NOW + 2)):
        metrics.observe_reload(at, successful=good)
        scrape = own(metrics)
        assert scrape("timbres_config_last_reload_successful") == good
        assert scrape("timbres_config_last_reload_success_timestamp_seconds") == shown


def test_the_version_that_runs_is_told() -> None:
    labels = {"version": "7.8.9", "python": platform.python_version()}
    assert own(Metrics("7.8.9"))("timbres_build_info", **labels) == 1


def test_two_monitors_in_one_process_count_apart() -> None:
    first, second = Metrics("1.0"), Metrics("1.0")
    first.observe_poll(0.0, 1.0)
    assert own(first)("timbres_poll_duration_seconds_count") == 1
    assert own(second)("timbres_poll_duration_seconds_count") == 0


# A service that has lived

HISTORYLESS = {
    "timbres_contracted": ("gauge", "account rfc"),
    "timbres_used": ("gauge", "account rfc"),
    "timbres_available": ("gauge", "account rfc"),
    "timbres_consumed_total": ("counter", "account rfc"),
    "timbres_state_writable": ("gauge", ""),
    "timbres_state_write_errors_total": ("counter", ""),
    "timbres_state_queue": ("gauge", ""),
    "timbres_available_threshold": ("gauge", "account rfc severity"),
    "timbres_time_left_threshold_seconds": ("gauge", "account rfc severity"),
    "timbres_expiry_timestamp_seconds": ("gauge", "account rfc"),
    "timbres_up": ("gauge", "account rfc"),
    "timbres_last_success_timestamp_seconds": ("gauge", "account rfc"),
    "timbres_polls_total": ("counter", "account rfc"),
    "timbres_poll_errors_total": ("counter", "account reason rfc"),
    "timbres_responses_total": ("counter", "account code"),
    "timbres_rfc_info": ("gauge", "account alias rfc"),
    "timbres_account_held": ("gauge", "account"),
    "timbres_account_hold_info": ("gauge", "account code"),
    "timbres_account_unproven": ("gauge", "account"),
    "timbres_poll_duration_seconds": ("histogram", ""),
    "timbres_polls_in_flight": ("gauge", "pac"),
    "timbres_concurrency_limit": ("gauge", "pac"),
    "timbres_schedule_lag_seconds": ("histogram", ""),
    "timbres_config_last_reload_successful": ("gauge", ""),
    "timbres_config_last_reload_success_timestamp_seconds": ("gauge", ""),
    "timbres_build_info": ("gauge", "python version"),
    "process_cpu_seconds_total": ("counter", ""),
    "process_resident_memory_bytes": ("gauge", ""),
    "process_start_time_seconds": ("gauge", ""),
    "process_open_fds": ("gauge", ""),
    "python_info": ("gauge", "implementation major minor patchlevel version"),
    "python_gc_collections_total": ("counter", "generation"),
}

CUSTOMER = paying({RFC: Issuer(1000, 40, 10), OTHER: Issuer(7)}, pool=Issuer(500, 500))


def accounts(endpoint: str) -> list[dict[str, Any]]:
    """One that works in part, and one that the PAC refuses."""
    named = {"rfc": RFC, "alias": 'Herrerías "y" \\ Estructuras', "expires_on": "2027-01-31"}
    return [
        account(endpoint, named, OTHER, implementation=True),
        account(endpoint, RFC, "ÑAÑ010101AA1", name="sur", username="ws@sur.example"),
    ]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Text and OpenMetrics of a service with readings, failures and a held account."""
    return asyncio.run(live(tmp_path_factory.mktemp("service")))


async def live(directory: Path) -> tuple[str, str]:
    pac = Pac([CUSTOMER], faults={OTHER: "612"})
    pac.faults["ws@sur.example"] = "601"
    async with watching(directory, pac, accounts) as watched:
        watched.clock.now += FIRST
        await watched.until(
            lambda m: (
                m.total("timbres_polls_total", account="norte") == 3
                and m.total("timbres_poll_errors_total", account="sur") == 2
                and m("timbres_account_held", account="sur") == 1
                and m("timbres_consumed_total", **LABELS) == 0
            )
        )
        text = await watched.get("/metrics")
        other = await watched.get("/metrics", Accept="application/openmetrics-text;version=1.0.0")
    return text.text, other.text


def test_a_service_that_has_lived_shows_what_happened_to_it(pages: tuple[str, str]) -> None:
    scrape = Exposition(pages[0])
    assert numbers(scrape) == (1000, 40, 950)
    assert scrape("timbres_last_success_timestamp_seconds", **LABELS) == EPOCH + FIRST
    pool = {"account": "norte", "rfc": IMPLEMENTATION}
    assert [scrape(name, **pool) for name in NUMBERS] == [None, None, 0]
    assert scrape("timbres_up", account="norte", rfc=OTHER) == 0
    assert scrape.all("timbres_poll_errors_total", account="norte", rfc=OTHER) == {"rejected": 1}
    assert scrape.all("timbres_responses_total", account="norte") == {"200": 1, "612": 1, "630": 1}
    assert scrape("timbres_account_held", account="sur") == 1
    assert scrape.all("timbres_account_hold_info", account="sur") == {"601": 1}
    assert scrape.total("timbres_polls_total", account="sur") == 1
    assert scrape("timbres_account_unproven", account="norte") == 0
    assert scrape("timbres_account_unproven", account="sur") == 1
    assert scrape("timbres_poll_duration_seconds_count") == 4
    assert scrape("timbres_config_last_reload_successful") == 1


def test_promtool_finds_nothing_to_say(pages: tuple[str, str]) -> None:
    promtool = subprocess.run(
        ["promtool", "check", "metrics"], input=pages[0], capture_output=True, text=True, check=False
    )
    assert (promtool.stdout + promtool.stderr, promtool.returncode) == ("", 0)


def test_openmetrics_parses_and_ends_once(pages: tuple[str, str]) -> None:
    text = pages[1]
    assert text.endswith("\n# EOF\n")
    assert text.count("# EOF") == 1
    assert text.count("_created") == 0
    families = {family.name: family for family in parse_openmetrics(text)}
    samples = [sample for sample in families["timbres_polls"].samples if sample.labels == LABELS]
    assert [(sample.name, sample.value) for sample in samples] == [("timbres_polls_total", 1)]


def test_both_formats_have_the_same_series(pages: tuple[str, str]) -> None:
    text, other = (set(re.findall(r"^timbres_[^ ]+(?:\{.*\})?(?= )", page, re.MULTILINE)) for page in pages)
    assert text == other
    assert len(text) > 60


@pytest.mark.parametrize("name", HISTORYLESS)
def test_the_contract_of_names_types_and_labels_is_kept(pages: tuple[str, str], name: str) -> None:
    kind, labels = HISTORYLESS[name]
    family = {family.name: family for family in parse_openmetrics(pages[1])}[name.removesuffix("_total")]
    assert family.type == kind
    assert family.samples
    assert {" ".join(sorted(sample.labels.keys() - {"le"})) for sample in family.samples} == {labels}
    assert {sample.name for sample in family.samples} == (
        {f"{name}_bucket", f"{name}_count", f"{name}_sum"} if kind == "histogram" else {name}
    )


def test_no_series_is_there_twice(pages: tuple[str, str]) -> None:
    series = re.findall(r"^(?!#)(\S+?(?:\{.*\})?) ", pages[0], re.MULTILINE)
    assert len(series) == len(set(series))
