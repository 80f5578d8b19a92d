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

    "middle" is two working days before to two after the payday, the last working day on or before
    the 15th, and in December all from the 8th to the 20th; "turn" from three working days before the
    last one of a month to the 5th of the next.
    """
    when = date.fromordinal(day)
    first = day - when.day + 1
    last = first - 1 if when.day <= 5 else first + calendar.monthrange(when.year, when.month)[1] - 1
    since = last
    while _working(since, _payday(last)) < 4:
        since -= 1
    if since <= day <= last + 5:
        place = 3 - _working(day + 1, last) if day <= last else 3 + max(1, _working(last + 1, day))
        return Busy("turn", since, last + 5, place)
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
        return Busy("middle", since, until, min(5, max(0, offset + 3)))
    return None


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


def _working(first: int, last: int) -> int:
    """The working days from one day to another, both included."""
    return sum(is_working(day) for day in range(first, last + 1))


def _payday(day: int) -> int:
    """The day itself, or the Friday before it."""
    return day - max(0, (day - 1) % 7 - 4)
