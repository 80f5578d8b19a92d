"""How long the stamps will last, from what was seen of an issuer: pure functions.

Stamps are not used in a straight line. What is expected of each day to come is made of

- the ordinary: the mean of the same day of the week, of the last weeks;
- the busy times of a month, beyond the ordinary: around the payday in its middle, its end, and its
  days 1 to 5; as much as in the months before, less what this one has seen already;
- once more the middle in December, for the year-end bonus;
- growth, as far as it is more than chance.

Stamps are used up when these days add up to what is available, less a reserve for chance.
"""

import calendar
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAY = 86400.0

#: Nothing is said before so much history; nothing is further away than `LONGEST` (seconds).
ENOUGH, LONGEST = 7 * DAY, 5 * 365 * DAY

#: Days: of the ordinary, and of it when that is too little; a month for growth; ahead, day by day,
#: before the mean of those goes on; the peak day; by hour.
_WINDOW, _LONG_WINDOW, _MONTH, _AHEAD, _PEAK, _HOURS = 42, 120, 30, 92, 35, 14

#: Fewer stamps than these in the window are too few to tell.
_FEW = 60

#: The reserve, in standard deviations of what chance adds; and the most that growth counts, a month.
_DEVIATIONS, _FASTEST = 1.0, 1.5

#: So many months back count for the busy times; an index of a working day in them is below 8.
_MONTHS, _INDEXES = 3, 8

Rows = Sequence[tuple[float, int]]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is said of an issuer; nothing before 7 days of history."""

    #: Seconds until `available` is used up, at most five years.
    time_left: float | None
    #: The largest consumption in any 24 h of the last 35 days.
    peak_day: int | None


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


class _Busy(NamedTuple):
    """A busy time of a month. Days are ordinals; `index` tells its working days."""

    name: str
    since: int
    until: int
    index: int


def forecast(history: Rows, available: int, now: float, zone: ZoneInfo) -> Forecast:
    """The forecast as of `now` (epoch seconds).

    `history` is ascending: epoch seconds, and the stamps consumed since the issuer was first seen;
    a row where that changed. Older rows may be thinned out. What it says of times after `now`, and
    the fewest rows without which it would never fall (a clock was set), are left out.
    """
    rows = _rising(history, now)
    if not rows or rows[0][0] > now - ENOUGH:
        return Forecast(None, None)
    return Forecast(time_left(_habits(rows, now, zone), available, now, zone), _peak_day(rows, now))


def habits(history: Rows, now: float, zone: ZoneInfo) -> Habits | None:
    """What `forecast` is made of; `None` before 7 days of history."""
    rows = _rising(history, now)
    return _habits(rows, now, zone) if rows and rows[0][0] <= now - ENOUGH else None


def time_left(known: Habits, available: int, now: float, zone: ZoneInfo) -> float:
    """Seconds until the days to come add up to `available`, less the reserve; at most `LONGEST`."""
    # m + deviations × √(spread × m) = available, solved for m: what is expected, and what chance adds.
    chance = _DEVIATIONS * math.sqrt(known.spread)
    enough = ((math.sqrt(chance * chance + 4 * max(0, available)) - chance) / 2) ** 2
    if enough <= 0:
        return 0.0
    today = datetime.fromtimestamp(now, zone).toordinal()
    passed = _passed(known.hours, _part(now, today, zone))
    left = enough
    for day, expected in _expected(known, today, passed):
        if expected >= left:
            over = passed if day == today else 0.0
            hour = _hour(known.hours, over + (1 - over) * left / expected)
            begin = _midnight(day, zone)
            at = begin + hour / 24 * (_midnight(day + 1, zone) - begin)
            return min(LONGEST, max(0.0, at - now))
        left -= expected
    ahead = _midnight(today + _AHEAD, zone) - now
    rate = (enough - left) / ahead
    return min(LONGEST, ahead + left / rate) if rate * LONGEST > left else LONGEST


def _expected(known: Habits, today: int, passed: float) -> Iterator[tuple[int, float]]:
    """The days to come, with what is expected of each; of `today`, the share `passed` is over."""
    extra: dict[int, float] = {}
    for day in range(today, today + _AHEAD):
        busy = _busy(day)
        if busy and day not in extra and busy.name in known.busy:
            extra = _share_out(busy, day, known, known.seen if day == today else 0.0)
        ordinary = known.weekdays[(day - 1) % 7] * (1 - passed if day == today else 1.0)
        yield day, (ordinary + extra.get(day, 0.0)) * known.growth ** ((day - today) / _MONTH)


def _share_out(busy: _Busy, first: int, known: Habits, seen: float) -> dict[int, float]:
    """What a busy time still takes from its day `first` on. What is `seen` does not come twice."""
    amount = known.busy[busy.name]
    days = range(first, busy.until + 1)
    shape = {day: known.shapes[busy.name][_index(day)] for day in days if _is_working(day)}
    parts = [(amount, shape)]
    if busy.name == "middle" and date.fromordinal(busy.until).month == 12:
        early = {day: 1.0 for day in shape if known.shapes[busy.name] and _index(day) == 0}
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


def _habits(rows: Rows, now: float, zone: ZoneInfo) -> Habits:
    today = datetime.fromtimestamp(now, zone).toordinal()
    days = _days(rows, now, today, zone)
    hours = _hours(rows, now, _midnight(today, zone))
    times = _busy_times(days, today)
    # 1. The ordinary: days of busy times that were seen whole have their own account.
    kept = {busy.name for busy in times}
    plain = [day for day in days if day < today and _name(day) not in kept]
    plain = plain or [day for day in days if day < today]
    window = [day for day in plain if day >= today - _WINDOW]
    if sum(days[day] for day in window) < _FEW:
        window = [day for day in plain if day >= today - _LONG_WINDOW]
    weekdays = _weekdays(days, window or plain)
    spread = _dispersion(days, window or plain, weekdays)
    # 2. Growth: of the ordinary, from one month to the next.
    growth = _growth(days, plain, weekdays, today, spread)
    # 3. Busy times, beyond the ordinary.
    busy: dict[str, float] = {}
    shapes: dict[str, list[float]] = {}
    for name in kept:
        found = [one for one in times if one.name == name][-_MONTHS:]
        sums = []
        shape = [0.0] * _INDEXES
        for one in found:
            total = 0.0
            for day in range(one.since, one.until + 1):
                beyond = days[day] - weekdays[(day - 1) % 7]
                total += beyond
                shape[_index(day)] += max(0.0, beyond)
            if name == "middle" and date.fromordinal(one.until).month == 12:
                total /= 2
            sums.append(max(0.0, total) * growth ** min(2.0, (today - one.until) / _MONTH))
        busy[name] = max(sums[-1], sum(sums) / len(sums))
        shapes[name] = shape
    for one, other in (("middle", "end"), ("end", "middle")):
        if one not in busy and other in busy:
            busy[one], shapes[one] = busy[other], [1.0] * _INDEXES
    # 4. Of the busy time under way.
    seen = 0.0
    if current := _busy(today):
        part = _passed(hours, _part(now, today, zone))
        for day in range(max(current.since, min(days)), today + 1):
            seen += days[day] - weekdays[(day - 1) % 7] * (part if day == today else 1.0)
    return Habits(weekdays, busy, shapes, max(0.0, seen), growth, spread, hours)


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
    more -= math.sqrt(spread * 2 * max(1.0, before))
    return min(_FASTEST, 1.0 + max(0.0, more) / max(1.0, before))


def _days(rows: Rows, now: float, today: int, zone: ZoneInfo) -> dict[int, int]:
    """Stamps a day, of whole days since the first row, and of today so far; by ordinal."""
    first = max(datetime.fromtimestamp(rows[0][0], zone).toordinal() + 1, today - _LONG_WINDOW)
    edges = [_midnight(day, zone) for day in range(first, today + 1)] + [now]
    found, index = [], 0
    index = bisect_right(rows, edges[0], key=itemgetter(0))
    times = [at for at, _ in rows]
    for edge in edges:
        index = bisect_right(times, edge, index)
        found.append(rows[index - 1][1])
    return {first + number: later - one for number, (one, later) in enumerate(pairwise(found))}


def _busy_times(days: Mapping[int, int], today: int) -> list[_Busy]:
    """The busy times that were seen whole, the oldest first."""
    times = []
    for day in days:
        busy = _busy(day)
        if busy and busy.since == day and busy.until < today:
            times.append(busy)
    return times


def _hours(rows: Rows, now: float, midnight: float) -> list[float]:
    """The share of a day's stamps before each hour, of the last two weeks; a little at any hour."""
    stamps = [0.0] * 24
    first = max(1, bisect_left(rows, now - _HOURS * DAY, key=itemgetter(0)))
    before = rows[first - 1][1]
    for at, consumed in rows[first:]:
        stamps[int((at - midnight) % DAY // 3600)] += consumed - before
        before = consumed
    least = max(1.0, sum(stamps)) / 480
    total = sum(stamps) + 24 * least
    shares = [0.0]
    for number in stamps:
        shares.append(shares[-1] + (number + least) / total)
    shares[-1] = 1.0
    return shares


def _passed(hours: Sequence[float], hour: float) -> float:
    """The share of a day that is over at an hour (24 is midnight)."""
    whole = min(23, int(hour))
    return hours[whole] + (hours[whole + 1] - hours[whole]) * (hour - whole)


def _hour(hours: Sequence[float], share: float) -> float:
    """The hour at which that share is over."""
    whole = min(24, bisect_left(hours, share, 1)) - 1
    return min(24.0, whole + (share - hours[whole]) / (hours[whole + 1] - hours[whole]))


def _part(at: float, day: int, zone: ZoneInfo) -> float:
    """The hour of a day as 24ths of it, however long it is."""
    begin = _midnight(day, zone)
    return min(24.0, max(0.0, (at - begin) / (_midnight(day + 1, zone) - begin) * 24))


def _peak_day(rows: Rows, now: float) -> int:
    peak, earlier = 0, 0
    for at, consumed in rows[bisect_left(rows, now - _PEAK * DAY, key=itemgetter(0)) :]:
        while rows[earlier + 1][0] <= at - DAY:
            earlier += 1
        peak = max(peak, consumed - rows[earlier][1])
    return peak


def _rising(history: Rows, now: float) -> Rows:
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
        best[length:] = [consumed] if length == len(best) else [consumed, *best[length + 1 :]]
        ends[length:] = [index] if length == len(ends) else [index, *ends[length + 1 :]]
    kept, index = [], ends[-1]
    while index >= 0:
        kept.append(rows[index])
        index = before[index]
    return kept[::-1]


@lru_cache(maxsize=8192)
def _midnight(day: int, zone: ZoneInfo) -> float:
    """When a day (ordinal) begins, in epoch seconds."""
    return datetime.combine(date.fromordinal(day), datetime.min.time(), zone).timestamp()


def _is_working(day: int) -> bool:
    return (day - 1) % 7 < 5


def _working(first: int, last: int) -> int:
    """The working days from one day to another, both included."""
    return sum(_is_working(day) for day in range(first, last + 1))


@lru_cache(maxsize=8192)
def _busy(day: int) -> _Busy | None:
    """The busy time that a day belongs to.

    "start" is days 1 to 5; "middle" two working days before to two after the payday, the last
    working day on or before the 15th, and in December all from the 8th to the 20th; "end" from
    three working days before the last one to the month's last day.
    """
    when = date.fromordinal(day)
    first = day - when.day + 1
    last = first + calendar.monthrange(when.year, when.month)[1] - 1
    if when.day <= 5:
        return _Busy("start", first, first + 4, max(0, _working(first, day) - 1))
    payday = _payday(first + 14)
    since, until = payday - 2, payday + 2
    while _working(since, payday) < 3:
        since -= 1
    while _working(payday, until) < 3:
        until += 1
    if when.month == 12:
        since, until = first + 7, first + 19
    if since <= day <= until:
        offset = _working(payday + 1, day) if day >= payday else -_working(day, payday - 1)
        return _Busy("middle", since, until, min(5, max(0, offset + 3)))
    since = last
    while _working(since, _payday(last)) < 4:
        since -= 1
    if day >= since:
        return _Busy("end", since, last, 3 - _working(day + 1, last))
    return None


def _name(day: int) -> str:
    busy = _busy(day)
    return busy.name if busy else ""


def _index(day: int) -> int:
    busy = _busy(day)
    return busy.index if busy else 0


def _payday(day: int) -> int:
    """The day itself, or the Friday before it."""
    return day - max(0, (day - 1) % 7 - 4)
