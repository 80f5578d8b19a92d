"""The series of targets."""

from collections.abc import Sequence
from typing import NamedTuple

from monitor.metrics.family import Family, Sample, label
from monitor.model import Reading, threshold
from monitor.state import Row


class Shown(NamedTuple):
    """A target as its series need it."""

    row: Row
    reading: Reading | None  # unless it is too old
    account: str  # labels as they are printed
    rfc: str
    who: str  # both


def _contracted(some: Sequence[Shown]) -> list[Sample]:
    return [
        (one.who, one.reading.contracted)
        for one in some
        if one.reading is not None and one.reading.contracted is not None
    ]


def _used(some: Sequence[Shown]) -> list[Sample]:
    return [
        (one.who, one.reading.used)
        for one in some
        if one.reading is not None and one.reading.used is not None
    ]


def _time_left(some: Sequence[Shown]) -> list[Sample]:
    return [
        (one.who, one.row.forecast.time_left)
        for one in some
        if one.reading is not None and one.row.forecast is not None and one.row.forecast.time_left is not None
    ]


def _peak_day(some: Sequence[Shown]) -> list[Sample]:
    return [
        (one.who, one.row.forecast.peak_day)
        for one in some
        if one.reading is not None and one.row.forecast is not None and one.row.forecast.peak_day is not None
    ]


def _available_threshold(some: Sequence[Shown]) -> list[Sample]:
    found: list[Sample] = []
    for one in some:
        contracted = one.row.reading.contracted if one.row.reading else None
        thresholds = one.row.target.thresholds
        for severity, limits in (("critical", thresholds.critical), ("warning", thresholds.warning)):
            limit = threshold(limits.available, limits.ratio, contracted)
            if limit is not None:
                found.append((f'{one.who},severity="{severity}"', limit))
    return found


def _time_left_threshold(some: Sequence[Shown]) -> list[Sample]:
    return [
        (f'{one.who},severity="{severity}"', limits.days_left * 86400)
        for one in some
        for severity, limits in (
            ("critical", one.row.target.thresholds.critical),
            ("warning", one.row.target.thresholds.warning),
        )
        if limits.days_left is not None
    ]


OF_TARGETS: tuple[Family[Sequence[Shown]], ...] = (
    Family("timbres_contracted", "gauge", "Stamps contracted, as the PAC gave them.", _contracted),
    Family("timbres_used", "gauge", "Stamps used, as the PAC gave them.", _used),
    Family(
        "timbres_available",
        "gauge",
        "Stamps left, as the PAC gave them.",
        lambda some: [(one.who, one.reading.available) for one in some if one.reading is not None],
    ),
    Family(
        "timbres_consumed",
        "counter",
        "Stamps consumed since first seen, over top-ups, resets and restarts.",
        lambda some: [(one.who, one.row.committed) for one in some if one.row.committed is not None],
    ),
    Family(
        "timbres_available_threshold",
        "gauge",
        "Configured limit of available stamps, in stamps.",
        _available_threshold,
    ),
    Family(
        "timbres_time_left_seconds", "gauge", "Time until the stamps are used up, by forecast.", _time_left
    ),
    Family(
        "timbres_peak_day",
        "gauge",
        "Largest consumption in any 24 hours of the last 35 days, in stamps.",
        _peak_day,
    ),
    Family(
        "timbres_time_left_threshold_seconds",
        "gauge",
        "Configured limit of the time left.",
        _time_left_threshold,
    ),
    Family(
        "timbres_expiry_timestamp_seconds",
        "gauge",
        "When the package expires, as configured.",
        lambda some: [
            (one.who, one.row.target.expires_at) for one in some if one.row.target.expires_at is not None
        ],
    ),
    Family(
        "timbres_up",
        "gauge",
        "Whether the last poll gave numbers.",
        lambda some: [(one.who, 1 if one.row.up else 0) for one in some],
    ),
    Family(
        "timbres_last_success_timestamp_seconds",
        "gauge",
        "When the last reading was made.",
        lambda some: [(one.who, one.row.reading.at) for one in some if one.row.reading is not None],
    ),
    Family(
        "timbres_polls",
        "counter",
        "Polls that were sent.",
        lambda some: [(one.who, one.row.polls) for one in some],
    ),
    Family(
        "timbres_poll_errors",
        "counter",
        "Turns that gave no numbers, by reason.",
        lambda some: [
            (f'{one.account},reason="{reason}",{one.rfc}', count)
            for one in some
            for reason, count in one.row.errors
        ],
    ),
    Family(
        "timbres_rfc_info",
        "gauge",
        "The name for people of an RFC.",
        lambda some: [(f"{one.account},{label('alias', one.row.target.alias)},{one.rfc}", 1) for one in some],
    ),
)
