"""The geometry of charts: plain numbers and paths, which the templates draw as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from monitor.forecast.daily import DAYS

SPARK_HEIGHT, SPARK_STEP = 28, 4

#: The size of a large chart, and the room around its plot for labels.
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 480, 210, 60, 6, 10, 26


@dataclass(frozen=True, slots=True)
class Bar:
    """What is available of what was contracted, in per cent of its width, with the thresholds."""

    fill: float
    level: str  # of the stamps alone
    marks: Sequence[tuple[str, float]]  # severity and place


def bar(available: int, contracted: int | None, limits: Sequence[tuple[str, int | None]]) -> Bar:
    """`limits`: of each severity, the worse first. Without `contracted` the limits are the measure."""
    known = [(severity, limit) for severity, limit in limits if limit is not None]
    whole = contracted or max([available, *(2 * limit for _, limit in known), 1])
    level = next((severity for severity, limit in known if available <= limit), "ok")
    places = [(severity, _round(100 * limit / whole)) for severity, limit in known if limit <= whole]
    fill = min(100.0, 100 * available / whole)
    # What is not nothing is seen.
    return Bar(_round(max(fill, 1.0) if available else 0.0), level if available else "critical", places)


@dataclass(frozen=True, slots=True)
class Spark:
    """Consumption per day as one path."""

    path: str
    width: int
    height: int
    total: int
    most: int


def spark(daily: Sequence[int]) -> Spark:
    """Stamps per day, the newest last."""
    most = max(daily, default=0)
    bars = []
    for day, stamps in enumerate(daily, DAYS - len(daily)):
        if stamps > 0:
            tall = _round(max(1.0, SPARK_HEIGHT * stamps / most))
            bars.append(f"M{day * SPARK_STEP} {SPARK_HEIGHT}v-{tall}h{SPARK_STEP - 1}v{tall}z")
    return Spark("".join(bars), DAYS * SPARK_STEP - 1, SPARK_HEIGHT, sum(daily), most)


@dataclass(frozen=True, slots=True)
class Axes:
    """The plot of a large chart: what is where, in the units of its viewBox."""

    since: float
    until: float
    top: float  # the value at the upper edge
    ticks: Sequence[int]  # of values

    def x(self, at: float) -> float:
        share = (at - self.since) / (self.until - self.since)
        return _round(LEFT + (WIDTH - LEFT - RIGHT) * min(1.0, max(0.0, share)))

    def y(self, value: float) -> float:
        return _round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(1.0, max(0.0, value / self.top)))


def axes(since: float, until: float, most: float) -> Axes:
    """From 0 to a round number that is not below `most`; times in epoch seconds."""
    step = _step(max(1.0, most))
    count = max(1, ceil(most / step))
    return Axes(since, until, float(count * step), [number * step for number in range(count + 1)])


def steps(axes: Axes, points: Sequence[tuple[float, int]]) -> str:
    """A path through values that hold until the next one. `points` ascend in time."""
    path: list[str] = []
    last: tuple[float, float] | None = None
    for at, value in _thinned(axes, points):
        x, y = axes.x(at), axes.y(value)
        if last is None:
            path.append(f"M{x} {y}")
        elif (x, y) != last:
            path.append(f"H{x}V{y}" if y != last[1] else f"H{x}")
        last = x, y
    return "".join(path)


def area(path: str) -> str:
    """The same path with everything under it."""
    if not path:
        return ""
    first = path[1:].partition(" ")[0]
    return f"{path}V{HEIGHT - BOTTOM}H{first}z"


def columns(axes: Axes, daily: Sequence[int]) -> str:
    """A bar for each value, side by side, as one path; the newest last."""
    width = (WIDTH - LEFT - RIGHT) / max(1, len(daily))
    gap, foot = min(2.0, width / 4), HEIGHT - BOTTOM
    return "".join(
        f"M{_round(LEFT + number * width + gap / 2)} {foot}V{axes.y(stamps)}h{_round(width - gap)}V{foot}z"
        for number, stamps in enumerate(daily)
        if stamps > 0
    )


def _thinned(axes: Axes, points: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    """Of each unit of width the first, the least, the most and the last: nothing else can be seen."""
    kept: list[tuple[float, int]] = []
    group: list[tuple[float, int]] = []
    for point in points:
        if group and floor(axes.x(point[0])) != floor(axes.x(group[0][0])):
            kept += _extremes(group)
            group = []
        group.append(point)
    return kept + _extremes(group)


def _extremes(group: list[tuple[float, int]]) -> list[tuple[float, int]]:
    if len(group) <= 4:
        return group
    values = [value for _, value in group]
    places = {0, values.index(min(values)), values.index(max(values)), len(group) - 1}
    return [group[place] for place in sorted(places)]


def _step(most: float) -> int:
    """A round step, of which three or four make `most`."""
    power = 10 ** floor(log10(max(1.0, most / 4)))
    return max(1, next(int(power * one) for one in (1, 2, 2.5, 5, 10) if power * one * 4 >= most))


def _round(value: float) -> float | int:
    rounded = round(value, 1)
    return int(rounded) if rounded == int(rounded) else rounded
