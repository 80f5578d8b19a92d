"""The busy times of a month, by the calendar. Days are ordinals, those of Monday to Friday work."""

import calendar
from datetime import date
from functools import lru_cache
from typing import NamedTuple


class Busy(NamedTuple):
    """A busy time of a month. Days are ordinals; `place` counts its working days."""

    name: str
    since: int
    until: int
    place: int


@lru_cache(maxsize=8192)
def busy_time(day: int) -> Busy | None:
    """The busy time that a day belongs to.

    "middle" and "end" are around a payday, the last working day on or before the 15th and the
    month's last day: from two and three working days before it to two after, and in December all
    from the 8th to the 20th. "start" is what is left of days 1 to 5.
    """
    when = date.fromordinal(day)
    first = day - when.day + 1
    last = first + calendar.monthrange(when.year, when.month)[1] - 1
    if when.month == 12 and 8 <= when.day <= 20:
        return Busy("middle", first + 7, first + 19, min(5, max(0, 3 + _from(_payday(first + 14), day))))
    for name, payday, before in (
        ("end", _payday(first - 1), 3),
        ("middle", _payday(first + 14), 2),
        ("end", _payday(last), 3),
    ):
        since, until = _shifted(payday, -before), _shifted(payday, 2)
        if since <= day <= until and not (name == "middle" and when.month == 12):
            return Busy(name, since, until, 3 + _from(payday, day))
    after = _shifted(_payday(first - 1), 2) + 1
    return Busy("start", after, first + 4, _from(after, day)) if after <= day < first + 5 else None


def name_of(day: int) -> str:
    busy = busy_time(day)
    return busy.name if busy else ""


def index(day: int) -> int:
    busy = busy_time(day)
    return busy.place if busy else 0


def has_bonus(day: int) -> bool:
    return name_of(day) == "middle" and date.fromordinal(day).month == 12


def is_working(day: int) -> bool:
    return (day - 1) % 7 < 5


def _from(since: int, day: int) -> int:
    """The working days from one day to a later one, or less than 0 to an earlier one."""
    later = sum(is_working(one) for one in range(since + 1, day + 1))
    return later - sum(is_working(one) for one in range(day, since))


def _shifted(day: int, working: int) -> int:
    """So many working days later, or earlier."""
    while working:
        day += 1 if working > 0 else -1
        working -= is_working(day) * (1 if working > 0 else -1)
    return day


def _payday(day: int) -> int:
    """The day itself, or the Friday before it."""
    return day - max(0, (day - 1) % 7 - 4)
