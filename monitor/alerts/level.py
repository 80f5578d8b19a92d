"""Which thresholds are reached: pure functions of what is known and `now`."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Literal, NamedTuple

from monitor.model import Reading, threshold
from monitor.state import Row

DAY = 86400.0


class Level(StrEnum):
    """How a target is, from the worst to the best."""

    CRITICAL = "critical"
    WARNING = "warning"
    UNKNOWN = "unknown"
    OK = "ok"


#: Those that thresholds are configured for.
SEVERITIES = (Level.WARNING, Level.CRITICAL)


class Crossing(NamedTuple):
    """A threshold that is reached: of stamps that are left, or of days that they will last."""

    severity: Level
    of: Literal["available", "days_left"]
    value: float
    limit: float


def crossings(row: Row, reading: Reading) -> Iterator[Crossing]:
    """Every threshold that a reading of a target, or what is forecast of it, reaches. Reached means ≤."""
    seconds = row.forecast.time_left if row.forecast is not None else None
    for severity in SEVERITIES:
        limits = (
            row.target.thresholds.warning if severity is Level.WARNING else row.target.thresholds.critical
        )
        limit = threshold(limits.available, limits.ratio, reading.contracted)
        if limit is not None and reading.available <= limit:
            yield Crossing(severity, "available", reading.available, limit)
        if seconds is not None and limits.days_left is not None and seconds <= limits.days_left * DAY:
            yield Crossing(severity, "days_left", seconds / DAY, limits.days_left)


def level(row: Row, at: float, expire_after: float, *, held: bool) -> Level:
    """The level of a target as of `at` (epoch seconds).

    No stamps left is critical whatever is configured. What was reached counts even while polls fail;
    otherwise a target is fine only if it has a reading younger than `expire_after` seconds, did not
    fail when last asked, and is not held.
    """
    reading = row.fresh(at, expire_after)
    if reading is None:
        return Level.UNKNOWN
    reached = {crossing.severity for crossing in crossings(row, reading)}
    if reading.available == 0 or Level.CRITICAL in reached:
        return Level.CRITICAL
    if Level.WARNING in reached:
        return Level.WARNING
    return Level.UNKNOWN if row.failed or held else Level.OK


def worst(levels: list[Level]) -> Level:
    """The worst of them: critical > warning > unknown > ok."""
    return min(levels, key=list(Level).index, default=Level.UNKNOWN)
