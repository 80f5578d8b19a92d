"""What the history of an issuer says of its days and hours.

`Rows`: epoch seconds, and the stamps consumed since the issuer was first seen; ascending, a row where
that changed, the older ones thinned out.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter
from zoneinfo import ZoneInfo

Rows = Sequence[tuple[float, int]]

DAY = 86400.0

#: Days that are looked back on: at all, for the peak day, for the hours.
BACK, _PEAK, _HOURS = 120, 35, 14


def rising(history: Rows, now: float) -> Rows:
    """The rows up to `now`, without the fewest that let `consumed` fall."""
    rows = history[: bisect_right(history, now, key=itemgetter(0))]
    if all(one[1] <= later[1] for one, later in pairwise(rows)):
        return rows
    # The longest rising subsequence: `ends[n]` is where the best one of n + 1 rows ends.
    ends: list[int] = []
    best: list[int] = []
    before: list[int] = []
    for index, (_, consumed) in enumerate(rows):
        length = bisect_right(best, consumed)
        before.append(ends[length - 1] if length else -1)
        best[length : length + 1] = [consumed]
        ends[length : length + 1] = [index]
    kept, index = [], ends[-1]
    while index >= 0:
        kept.append(rows[index])
        index = before[index]
    return kept[::-1]


def days_of(rows: Rows, now: float, today: int, zone: ZoneInfo) -> dict[int, int]:
    """Stamps a day, of whole days since the first row, and of today so far; by ordinal."""
    first = max(datetime.fromtimestamp(rows[0][0], zone).toordinal() + 1, today - BACK)
    edges = [midnight(day, zone) for day in range(first, today + 1)] + [now]
    times = [at for at, _ in rows]
    found, index = [], 0
    for edge in edges:
        index = bisect_right(times, edge, index)
        found.append(rows[index - 1][1])
    return {first + number: later - one for number, (one, later) in enumerate(pairwise(found))}


def peak_day(rows: Rows, now: float) -> int:
    """The largest consumption in any 24 h of the last 35 days."""
    peak, earlier = 0, 0
    for at, consumed in rows[max(1, bisect_left(rows, now - _PEAK * DAY, key=itemgetter(0))) :]:
        while rows[earlier + 1][0] <= at - DAY:
            earlier += 1
        peak = max(peak, consumed - rows[earlier][1])
    return peak


def hours_of(rows: Rows, now: float, begin: float) -> list[float]:
    """The share of a day's stamps before each hour, of the last two weeks; a little comes at any hour.

    `begin` is the beginning of any day.
    """
    stamps = [0.0] * 24
    first = max(1, bisect_left(rows, now - _HOURS * DAY, key=itemgetter(0)))
    before = rows[first - 1][1]
    for at, consumed in rows[first:]:
        stamps[int((at - begin) % DAY // 3600)] += consumed - before
        before = consumed
    least = max(1.0, sum(stamps)) / 480
    total = sum(stamps) + 24 * least
    shares = [0.0]
    for number in stamps:
        shares.append(shares[-1] + (number + least) / total)
    shares[-1] = 1.0
    return shares


@lru_cache(maxsize=8192)
def midnight(day: int, zone: ZoneInfo) -> float:
    """When a day (ordinal) begins, in epoch seconds."""
    return datetime.combine(date.fromordinal(day), datetime.min.time(), zone).timestamp()


def part(at: float, day: int, zone: ZoneInfo) -> float:
    """The hour of a day as 24ths of it, however long it is."""
    begin = midnight(day, zone)
    return min(24.0, max(0.0, (at - begin) / (midnight(day + 1, zone) - begin) * 24))


def passed(hours: Sequence[float], hour: float) -> float:
    """The share of a day that is over at an hour (24 is midnight)."""
    whole = min(23, int(hour))
    return hours[whole] + (hours[whole + 1] - hours[whole]) * (hour - whole)


def hour_of(hours: Sequence[float], share: float) -> float:
    """The hour at which that share is over."""
    whole = min(24, bisect_left(hours, share, 1)) - 1
    return min(24.0, whole + (share - hours[whole]) / (hours[whole + 1] - hours[whole]))
