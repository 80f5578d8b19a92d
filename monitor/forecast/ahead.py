"""The days to come."""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from monitor.forecast.habits import Habits
from monitor.forecast.history import DAY, hour_of, midnight, part, passed
from monitor.forecast.month import Busy, busy_time, has_bonus, index, is_working
from monitor.forecast.rush import Rush

#: Nothing is further away than this (seconds).
LONGEST = 5 * 365 * DAY

#: The reserve, in standard deviations of what chance adds.
_DEVIATIONS = 1.25

#: How slowly a month is believed to be ahead of others: as if so much of it had been as usual.
_TRUST = 0.5

#: Days that are looked at one by one, before their mean goes on.
_AHEAD = 92


def time_left(known: Habits, available: int, now: float, zone: ZoneInfo) -> float:
    """Seconds until the days to come add up to `available`, less the reserve; at most `LONGEST`."""
    if available <= 0:
        return 0.0
    today = datetime.fromtimestamp(now, zone).toordinal()
    over = passed(known.hours, part(now, today, zone))
    mean = variance = need = 0.0
    for day, stamps, chance in _expected(known, today, over):
        mean, variance, earlier = mean + stamps, variance + chance, need
        need = mean + _DEVIATIONS * math.sqrt(variance)
        if need >= available:
            before = over if day == today else 0.0
            hour = hour_of(known.hours, before + (1 - before) * (available - earlier) / (need - earlier))
            begin = midnight(day, zone)
            at = begin + hour / 24 * (midnight(day + 1, zone) - begin)
            return min(LONGEST, max(0.0, at - now))
    ahead = midnight(today + _AHEAD, zone) - now
    rate, left = need / ahead, available - need
    return min(LONGEST, ahead + left / rate) if rate * LONGEST > left else LONGEST


def _expected(known: Habits, today: int, over: float) -> Iterator[tuple[int, float, float]]:
    """The days to come: what is expected of each, and its variance; the share `over` of `today` is gone."""
    extra: Mapping[int, float] = {}
    for day in range(today, today + _AHEAD):
        gone, seen = (over, known.seen) if day == today else (0.0, 0.0)
        busy = busy_time(day)
        rush = known.busy.get(busy.name) if busy else None
        if busy and rush and rush.stamps and day not in extra:
            extra = _still(rush, busy, day, gone, seen)
        ordinary = known.weekdays[(day - 1) % 7] * (1 - gone)
        beyond = extra.get(day, 0.0)
        yield day, ordinary + beyond, known.spread * ordinary + (rush.spread * beyond if rush else 0.0)


def _still(rush: Rush, busy: Busy, first: int, gone: float, seen: float) -> Mapping[int, float]:
    """What a busy time still takes from its day `first` on, of which the share `gone` is over.

    As far as it comes in one step, what is `seen` does not come twice; as far as it is spread out, a
    month that is ahead of the others stays so.
    """
    days = range(first, busy.until + 1)
    shape = {day: rush.shape[index(day)] * (1 - gone * (day == first)) for day in days if is_working(day)}
    parts = [(rush.stamps, shape)]
    if has_bonus(busy.until):
        parts.insert(0, (rush.stamps, {day: 1.0 for day in shape if index(day) == 0} or shape))
    left = max(0.0, rush.stamps * len(parts) - seen)
    if first > busy.since and len(parts) == 1 and (whole := sum(rush.shape)):
        rest = min(1.0, sum(shape.values()) / whole)
        pace = (seen / rush.stamps + _TRUST) / (1 - rest + _TRUST)
        left = rush.step * left + (1 - rush.step) * rush.stamps * rest * max(1.0, pace)
    shares = dict.fromkeys(days, 0.0)
    for stamps, weights in parts:
        taken = min(stamps, left)
        left -= taken
        total = sum(weights.values())
        for day, weight in weights.items() if total else ((first, 1.0),):
            shares[day] += taken * weight / (total or 1.0)
    return shares
