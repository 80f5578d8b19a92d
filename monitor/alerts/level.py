"""Which thresholds are crossed: pure functions of what is known and `now`."""

from enum import StrEnum

from monitor.model import threshold
from monitor.state import Row


class Level(StrEnum):
    """How a target is, from the worst to the best."""

    CRITICAL = "critical"
    WARNING = "warning"
    UNKNOWN = "unknown"
    OK = "ok"


def level(row: Row, at: float, expire_after: float, *, held: bool) -> Level:
    """The level of a target as of `at` (epoch seconds). Reached means ≤.

    A crossed threshold counts even while polls fail; without one, a target is fine only if it has
    a reading younger than `expire_after` seconds, did not fail when last asked, and is not held.
    """
    reading = row.fresh(at, expire_after)
    if reading is None:
        return Level.UNKNOWN
    for severity in (Level.CRITICAL, Level.WARNING):
        limits = getattr(row.target.thresholds, severity)
        limit = threshold(limits.available, limits.ratio, reading.contracted)
        if limit is not None and reading.available <= limit:
            return severity
    return Level.UNKNOWN if row.failed or held else Level.OK


def worst(levels: list[Level]) -> Level:
    """The worst of them: critical > warning > unknown > ok."""
    return min(levels, key=list(Level).index, default=Level.UNKNOWN)
