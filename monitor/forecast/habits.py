"""What a forecast is made of."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from monitor.forecast.history import Rows, days_of, hours_of, midnight, part, passed
from monitor.forecast.month import busy_time, has_bonus, index, name_of

#: Days: of the ordinary, unless they have fewer than so many stamps; a month, for growth.
_WINDOW, _FEW, _MONTH = 42, 60, 30

#: Fewer ordinary days than these are too few; and fewer stamps than those no busy time.
_PLAIN, _SOME = 5, 4

#: The most that growth counts, a month, and how sure it must be, in standard deviations.
_FASTEST, _SURE = 1.3, 2.0

#: So many months back count for the busy times; the index of a working day in them is less than 8.
_MONTHS, _INDEXES = 3, 8


@dataclass(frozen=True, slots=True)
class Habits:
    """What a forecast is made of, in stamps."""

    weekdays: Sequence[float]  # expected of an ordinary Monday, Tuesday …
    busy: Mapping[str, float]  # expected beyond that in the "middle", at the "end" and "start" of a month
    shapes: Mapping[str, Sequence[float]]  # how that is spread over the working days of a busy time
    seen: float  # so far, beyond the ordinary, if a busy time is under way
    growth: float  # a month, as a factor
    spread: float  # variance over mean of ordinary days
    hours: Sequence[float]  # the share of a day that is over when each hour begins, 25 of them


def habits_of(rows: Rows, now: float, zone: ZoneInfo) -> Habits:
    """Of at least 7 days of rows up to `now` (epoch seconds) that never fall."""
    today = datetime.fromtimestamp(now, zone).toordinal()
    days = days_of(rows, now, today, zone)
    hours = hours_of(rows, now, midnight(today, zone))
    times = _busy_times(days, today)
    # 1. The ordinary: busy times have their own account.
    plain = [day for day in days if day < today and name_of(day) not in times]
    if len(plain) < _PLAIN:
        plain = sorted(range(min(days), today), key=days.__getitem__)[:-1]
    window = [day for day in plain if day >= today - _WINDOW]
    if sum(days[day] for day in window) < _FEW:
        window = plain
    weekdays = _weekdays(days, window)
    spread = _dispersion(days, window, weekdays)
    growth = _growth(days, plain, weekdays, today, spread)
    # 2. Busy times, beyond the ordinary.
    beyond = {day: stamps - weekdays[(day - 1) % 7] for day, stamps in days.items()}
    busy, shapes = {}, {}
    for name, found in times.items():
        busy[name], shapes[name] = _amount(found, beyond, growth, today), _shape(found, beyond)
    for name, like in (("middle", "end"), ("end", "middle")):
        if name not in busy and like in busy and not any(name_of(day) == name for day in days):
            busy[name], shapes[name] = busy[like], [1.0] * _INDEXES  # the payday that is not yet seen
    # 3. Of the busy time under way.
    seen = 0.0
    if now_busy := busy_time(today):
        rest = weekdays[(today - 1) % 7] * (1 - passed(hours, part(now, today, zone)))
        seen = max(0.0, rest + sum(beyond.get(day, 0.0) for day in range(now_busy.since, today + 1)))
    return Habits(weekdays, busy, shapes, seen, growth, spread, hours)


def _busy_times(days: Mapping[int, int], today: int) -> dict[str, list[list[int]]]:
    """The days of the latest busy times by name, the oldest first; whole ones if there are any."""
    found: dict[tuple[str, int, int], list[int]] = {}
    for day in days:
        if day < today and (busy := busy_time(day)):
            found.setdefault((busy.name, busy.since, busy.until), []).append(day)
    times: dict[str, list[list[int]]] = {}
    for name in ("middle", "end", "start"):
        seen = [(time, one) for time, one in found.items() if time[0] == name]
        whole = [one for (_, since, until), one in seen if len(one) == until - since + 1]
        latest = whole[-_MONTHS:] or [one for _, one in seen]
        if sum(days[day] for one in latest for day in one) >= _SOME * max(1, len(latest)):
            times[name] = latest
    return times


def _amount(found: Sequence[Sequence[int]], beyond: Mapping[int, float], growth: float, today: int) -> float:
    """What a busy time takes: as the last one, or the mean if that is more."""
    amounts: list[float] = []
    for one in found:
        total: float = sum(beyond[day] for day in one) / (2 if has_bonus(one[-1]) else 1)
        amounts.append(max(0.0, total) * growth ** min(2.0, (today - one[-1]) / _MONTH))
    return max(amounts[-1], sum(amounts) / len(amounts))


def _shape(found: Sequence[Sequence[int]], beyond: Mapping[int, float]) -> list[float]:
    """How much of it came on each of its working days."""
    shape = [0.0] * _INDEXES
    for one in found:
        for day in one:
            shape[index(day)] += max(0.0, beyond[day])
    return shape


def _weekdays(days: Mapping[int, int], window: Sequence[int]) -> list[float]:
    """Means by day of the week, drawn to those of working days, or of weekends, as far as there are few."""
    totals, counts = [0.0] * 7, [0] * 7
    for day in window:
        totals[(day - 1) % 7] += days[day]
        counts[(day - 1) % 7] += 1
    mean = sum(totals) / max(1, sum(counts))
    means = []
    for weekday in range(7):
        like = range(5) if weekday < 5 else (weekday,)
        number = sum(counts[one] for one in like)
        usual = sum(totals[one] for one in like) / number if number else mean
        means.append((totals[weekday] + 2 * usual) / (counts[weekday] + 2))
    return means


def _dispersion(days: Mapping[int, int], window: Sequence[int], weekdays: Sequence[float]) -> float:
    """Variance over mean; 1 is that of stamps that come one by one."""
    squares = sum((days[day] - weekdays[(day - 1) % 7]) ** 2 for day in window)
    total = sum(days[day] for day in window)
    return max(1.0, squares / total) if total else 1.0


def _growth(
    days: Mapping[int, int], plain: Sequence[int], weekdays: Sequence[float], today: int, spread: float
) -> float:
    """Of a month over the one before, as far as it is more than chance: from 1 to `_FASTEST`."""
    late = [day for day in plain if day >= today - _MONTH]
    early = [day for day in plain if today - 2 * _MONTH <= day < today - _MONTH]
    usual = sum(weekdays[(day - 1) % 7] for day in early)
    if len(early) < 14 or not usual:
        return 1.0
    before = sum(days[day] for day in early) / usual * sum(weekdays[(day - 1) % 7] for day in late)
    more = sum(days[day] for day in late) - before
    more -= _SURE * math.sqrt(spread * 2 * max(1.0, before))
    return min(_FASTEST, 1.0 + max(0.0, more) / max(1.0, before))
