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

#: Days that are looked at one by one, before their mean goes on; growth is by so many.
_AHEAD, _MONTH = 92, 30


def time_left(known: Habits, available: int, now: float, zone: ZoneInfo) -> float:
    """Seconds until the days to come add up to `available`, less the reserve; at most `LONGEST`."""
    # m + deviations × √(spread × m) = available, solved for m: what is expected, and what chance adds.
    chance = _DEVIATIONS * math.sqrt(known.spread)
    enough = ((math.sqrt(chance * chance + 4 * max(0, available)) - chance) / 2) ** 2
    if enough <= 0:
        return 0.0
    today = datetime.fromtimestamp(now, zone).toordinal()
    over = passed(known.hours, part(now, today, zone))
    left = enough
    for day, expected in _expected(known, today, over):
        if expected >= left:
            before = over if day == today else 0.0
            hour = hour_of(known.hours, before + (1 - before) * left / expected)
            begin = midnight(day, zone)
            at = begin + hour / 24 * (midnight(day + 1, zone) - begin)
            return min(LONGEST, max(0.0, at - now))
        left -= expected
    ahead = midnight(today + _AHEAD, zone) - now
    rate = (enough - left) / ahead
    return min(LONGEST, ahead + left / rate) if rate * LONGEST > left else LONGEST


def _expected(known: Habits, today: int, over: float) -> Iterator[tuple[int, float]]:
    """The days to come, with what is expected of each; of `today`, the share `over` is left out."""
    extra: dict[int, float] = {}
    for day in range(today, today + _AHEAD):
        busy = busy_time(day)
        if busy and day not in extra and busy.name in known.busy:
            extra = _share_out(busy, day, known, known.seen if day == today else 0.0)
        ordinary = known.weekdays[(day - 1) % 7] * (1 - over if day == today else 1.0)
        yield day, (ordinary + extra.get(day, 0.0)) * known.growth ** ((day - today) / _MONTH)


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
