"""The past of an issuer: made up, and ending in exactly the stamps that it has now."""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from monitor.simulator.account import Issuer

#: Of all stamps that were ever used, so much was used in the past that is told.
SHARE = 0.9

HOURS = (9, 11, 13, 15, 17, 19)  # when something is stamped


class Moment(NamedTuple):
    """What an issuer had at a time. `at` in epoch seconds, the rest in stamps."""

    at: float
    used: int
    contracted: int
    available: int


def business_hours(until: datetime, days: int) -> list[datetime]:
    """The hours of business of so many days up to `until`, which is the last of them."""
    first = until.date() - timedelta(days=days)
    every = [
        datetime(day.year, day.month, day.day, hour, tzinfo=until.tzinfo)
        for day in (first + timedelta(days=number) for number in range(days + 1))
        for hour in HOURS
    ]
    return [*(when for when in every if when < until), until]


def past(issuer: Issuer, kind: str, times: Sequence[datetime], seed: str) -> list[Moment]:
    """An issuer of a kind (see `KINDS`) at these times; the last moment is what it is now."""
    chance = random.Random(seed)
    # 1. How much was used until each time: what is usual for the kind on such a day, and chance.
    usual = [KINDS[kind](when.date()) * chance.uniform(0.5, 1.5) for when in times]
    total = [so_far - usual[0] for so_far in accumulate(usual)]
    spent = int(SHARE * issuer.used)
    used = [issuer.used - spent + round(spent * so_far / (total[-1] or 1.0)) for so_far in total]
    # 2. What was bought, from now backwards: where more was left than a package, one had just come.
    contracted = issuer.contracted - issuer.reserved
    package = max(issuer.available, spent // 3, 1)
    bought = []
    for stamps in reversed(used):
        while contracted - stamps > package + package // 10:
            contracted -= package
        bought.append(contracted + issuer.reserved)
    bought.reverse()
    return [
        Moment(when.timestamp(), stamps, all_, all_ - stamps - issuer.reserved)
        for when, stamps, all_ in zip(times, used, bought, strict=True)
    ]


def _retail(day: date) -> float:
    return (1.0, 1.0, 1.0, 1.1, 1.4, 1.8, 0.0)[day.weekday()]


def _steady(day: date) -> float:
    return 1.0 if day.weekday() < 5 else 0.0


def _payroll(day: date) -> float:
    return 25.0 if _is_payday(day) else _steady(day) / 4


def _services(day: date) -> float:
    """Sales close at the end of the month, payments come in its first days."""
    return _steady(day) * (4.0 if (day + timedelta(days=3)).day <= 3 else 2.0 if day.day <= 5 else 0.5)


def _is_payday(day: date) -> bool:
    """The last working day on or before the 15th, or the end of the month."""
    after = day + timedelta(days={4: 3}.get(day.weekday(), 1))  # the next working day, from Friday on
    return day.weekday() < 5 and (day.day <= 15 < after.day or after.month != day.month)


#: What an issuer of each kind uses on a day, beside its other days.
KINDS: Mapping[str, Callable[[date], float]] = {
    "retail": _retail,
    "payroll": _payroll,
    "steady": _steady,
    "services": _services,
}
