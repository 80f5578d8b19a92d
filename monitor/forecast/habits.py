"""What a forecast is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from monitor.forecast.history import Rows, days_of, hours_of, midnight, part, passed
from monitor.forecast.month import busy_time, is_working, name_of
from monitor.forecast.rush import Rush, busy_times, rushes

#: Days of the ordinary, unless they have fewer than so many stamps.
_WINDOW, _FEW = 42, 60

#: With fewer ordinary working days than these, the quieter half of all stands for them.
_PLAIN = 3

#: Of so many ordinary days, one with more than this share of their stamps is not ordinary.
_MANY, _ODD = 14, 0.3


@dataclass(frozen=True, slots=True)
class Habits:
    """What a forecast is made of, in stamps."""

    weekdays: Sequence[float]  # expected of an ordinary Monday, Tuesday …
    busy: Mapping[str, Rush]  # in the "middle" of a month, and at its "turn"
    seen: float  # so far, beyond the ordinary, if a busy time is under way
    spread: float  # variance over mean of ordinary days
    hours: Sequence[float]  # the share of a day that is over when each hour begins, 25 of them


def habits_of(rows: Rows, now: float, zone: ZoneInfo) -> Habits:
    """Of at least 7 days of rows up to `now` (epoch seconds) that never fall."""
    today = datetime.fromtimestamp(now, zone).toordinal()
    days = days_of(rows, now, today, zone)
    hours = hours_of(rows, now, midnight(today, zone))
    times = busy_times(days, today)
    # 1. The ordinary: busy times have their own account.
    plain = [day for day in days if day < today and name_of(day) not in times]
    if sum(is_working(day) for day in plain) < _PLAIN:
        past = range(min(days), today)
        working = sorted((day for day in past if is_working(day)), key=days.__getitem__)
        plain = [*working[: (len(working) + 1) // 2], *(day for day in past if not is_working(day))]
    window = [day for day in plain if day >= today - _WINDOW]
    if sum(days[day] for day in window) < _FEW:
        window = plain
    window = _usual(days, window)
    weekdays = _weekdays(days, window)
    spread = _dispersion(days, window, weekdays)
    # 2. Busy times, beyond the ordinary.
    beyond = {day: stamps - weekdays[(day - 1) % 7] for day, stamps in days.items()}
    busy = rushes(times, beyond, spread)
    # 3. Of the busy time under way.
    seen = 0.0
    if now_busy := busy_time(today):
        rest = weekdays[(today - 1) % 7] * (1 - passed(hours, part(now, today, zone)))
        seen = max(0.0, rest + sum(beyond.get(day, 0.0) for day in range(now_busy.since, today + 1)))
    return Habits(weekdays, busy, seen, spread, hours)


def _usual(days: Mapping[int, int], window: list[int]) -> list[int]:
    """Without the largest day, if that is a batch that comes once."""
    largest = max(window, key=days.__getitem__, default=0)
    total = sum(days[day] for day in window)
    if len(window) < _MANY or total < _FEW or days[largest] <= _ODD * total:
        return window
    return [day for day in window if day != largest]


def _weekdays(days: Mapping[int, int], window: Sequence[int]) -> list[float]:
    """Means by day of the week, drawn to those of working days, or of weekends, as far as there are few.

    The first stamp does not count: n stamps have n - 1 spaces between them.
    """
    totals, counts = [0.0] * 7, [0] * 7
    for day in window:
        totals[(day - 1) % 7] += days[day]
        counts[(day - 1) % 7] += 1
    stamps = sum(totals)
    totals = [total * max(0.0, stamps - 1) / max(1.0, stamps) for total in totals]
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
