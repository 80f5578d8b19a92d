"""The days to come."""

import math
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from monitor.forecast.habits import Habits
from monitor.forecast.history import DAY, hour_of, midnight, part, passed
from monitor.forecast.month import Busy, busy_time, has_bonus, index, is_working

#: Nothing is further away than this (seconds).
LONGEST = 5 * 365 * DAY

#: The reserve, in standard deviations of what chance adds.
_DEVIATIONS = 1.0

#: Days: looked at one by one, before their mean goes on; what the ordinary is of; by which growth is told.
_AHEAD, _WEEKS, _MONTH = 92, 42, 30


def time_left(known: Habits, available: int, now: float, zone: ZoneInfo) -> float:
    """Seconds until the days to come and a reserve for chance take what is available; at most `LONGEST`."""
    if available <= 0:
        return 0.0
    today = datetime.fromtimestamp(now, zone).toordinal()
    over = passed(known.hours, part(now, today, zone))
    mean = variance = taken = 0.0
    for day, expected, varies in _expected(known, today, over):
        mean, variance, before = mean + expected, variance + varies, taken
        taken = mean + _DEVIATIONS * math.sqrt(variance)
        if taken >= available:
            first = over if day == today else 0.0
            hour = hour_of(known.hours, first + (1 - first) * (available - before) / (taken - before))
            begin = midnight(day, zone)
            at = begin + hour / 24 * (midnight(day + 1, zone) - begin)
            return min(LONGEST, max(0.0, at - now))
    ahead = midnight(today + _AHEAD, zone) - now
    return min(LONGEST, ahead * available / taken) if taken * LONGEST > ahead * available else LONGEST


def _expected(known: Habits, today: int, over: float) -> Iterator[tuple[int, float, float]]:
    """The days to come, with mean and variance of each; of `today`, the share `over` is left out."""
    extra: dict[int, float] = {}
    for day in range(today, today + _AHEAD):
        busy = busy_time(day)
        name = busy.name if busy and busy.name in known.busy else ""
        if busy and name and day not in extra:
            extra = _share_out(busy, day, known, known.seen if day == today else 0.0)
        # The ordinary is that of the middle of its weeks.
        plain = known.weekdays[(day - 1) % 7] * (1 - over if day == today else 1.0)
        plain *= known.growth ** ((day - today + _WEEKS / 2) / _MONTH)
        more = extra.get(day, 0.0) * known.growth ** ((day - today) / _MONTH)
        yield day, plain + more, plain * known.spreads[""] + more * known.spreads[name]


def _share_out(busy: Busy, first: int, known: Habits, seen: float) -> dict[int, float]:
    """What a busy time still takes from its day `first` on. What is `seen` does not come twice."""
    amount = known.busy[busy.name]
    days = range(first, busy.until + 1)
    shape = {day: known.shapes[busy.name][index(day)] for day in days if is_working(day)}
    parts = [(amount, shape)]
    if has_bonus(busy.until):
        early = {day: 1.0 for day in shape if index(day) == 0}
        parts = [(amount, early or shape), (amount, shape)]
    left = max(0.0, sum(stamps for stamps, _ in parts) - seen)
    shares = dict.fromkeys(days, 0.0)
    for stamps, weights in parts:
        taken = min(stamps, left)
        left -= taken
        total = sum(weights.values())
        for day, weight in weights.items() if total else ((first, 1.0),):
            shares[day] += taken * weight / (total or 1.0)
    return shares
