"""The history of one RFC as charts."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from monitor.forecast.history import midnight
from monitor.store import Point
from monitor.web import chart
from monitor.web.chart import Axes
from monitor.web.line import limits
from monitor.web.table import Judged

LABELS = 5  # dates below a chart, at most


@dataclass(frozen=True, slots=True)
class TopUp:
    """Stamps that were added, and where the chart shows it."""

    at: float
    stamps: int
    x: float


@dataclass(frozen=True, slots=True)
class History:
    """The chart of what was available."""

    axes: Axes
    line: str
    area: str
    limits: Sequence[tuple[str, int, float]]  # severity, stamps, place
    top_ups: Sequence[TopUp]
    dates: Sequence[tuple[float, float]]  # place and time of labels
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Days:
    """The chart of consumption per day; `path` is "" if there was none."""

    axes: Axes
    path: str
    dates: Sequence[tuple[float, float]]
    total: int
    most: int


def history(one: Judged, points: Sequence[Point], days: int, at: float, zone: ZoneInfo) -> History | None:
    """What was available in the last `days` as of `at`; `None` if nothing is known."""
    since, until = _edges(days, at, zone)
    known = [(point.at, point.available) for point in points if point.at <= until]
    reading = one.row.reading
    if reading is not None:
        known.append((reading.at, reading.available))
    before = [value for when, value in known if when < since]
    inside = [(when, value) for when, value in known if when >= since]
    if before:
        inside.insert(0, (since, before[-1]))
    if not inside:
        return None
    shown = [(severity, limit) for severity, limit in limits(one.row) if limit is not None]
    values = [value for _, value in inside]
    axes = chart.axes(since, until, max([*values, *(limit for _, limit in shown)]))
    path = chart.steps(axes, inside)
    return History(
        axes,
        path,
        chart.area(path),
        [(severity, limit, axes.y(limit)) for severity, limit in shown],
        [TopUp(when, stamps, axes.x(when)) for when, stamps in top_ups(points) if when >= since],
        _dates(axes, days, at, zone),
        min(values),
        max(values),
    )


def top_ups(points: Sequence[Point]) -> list[tuple[float, int]]:
    """When stamps were added, and how many: what is there now, and what was used in between.

    More was contracted, or counting began anew; a reserved stamp that comes back is neither.
    """
    found = []
    for before, after in pairwise(points):
        added = after.available - before.available + max(0, after.consumed - before.consumed)
        more = _more(before.contracted, after.contracted) or _more(after.used, before.used)
        if added > 0 and more:
            found.append((after.at, added))
    return found


def consumption(points: Sequence[Point], days: int, at: float, zone: ZoneInfo) -> Days:
    """What was consumed on each of the last `days`, today so far among them."""
    since, until = _edges(days, at, zone)
    today = datetime.fromtimestamp(at, zone).toordinal()
    edges = [midnight(day, zone) for day in range(today - days + 1, today + 2)]
    times = [point.at for point in points]
    # Before the first point nothing had been consumed that we saw.
    known = [points[max(0, bisect_left(times, edge) - 1)].consumed for edge in edges if points]
    per_day = [max(0, later - earlier) for earlier, later in pairwise(known)]
    most = max(per_day, default=0)
    axes = chart.axes(since, until, max(1, most))
    return Days(axes, chart.columns(axes, per_day), _dates(axes, days, at, zone), sum(per_day), most)


def _edges(days: int, at: float, zone: ZoneInfo) -> tuple[float, float]:
    """From the beginning of the first day to the end of today, so that both charts agree."""
    today = datetime.fromtimestamp(at, zone).toordinal()
    return midnight(today - days + 1, zone), midnight(today + 1, zone)


def _dates(axes: Axes, days: int, at: float, zone: ZoneInfo) -> list[tuple[float, float]]:
    today = datetime.fromtimestamp(at, zone).toordinal()
    step = -(-days // LABELS)
    whole = [midnight(day, zone) for day in range(today - days + 1 + step // 2, today + 1, step)]
    return [(axes.x(when), when) for when in whole]


def _more(before: int | None, after: int | None) -> bool:
    return before is not None and after is not None and after > before
