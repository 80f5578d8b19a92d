"""What a company stamps, and when: sales, month ends, payment complements, payroll, one-offs."""

import calendar
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

#: The monitor polls every 15 minutes; that is the grain of everything here.
TICK = 900
TICKS = 86400 // TICK


class Step(NamedTuple):
    """Many stamps at once; `cause` for people."""

    tick: int
    stamps: int
    cause: str


@dataclass(frozen=True, slots=True)
class Business:
    """How a company stamps; shares are of an ordinary working day's `sales`."""

    sales: float = 0.0
    spread: float = 0.25  # how much days of the same kind differ: standard deviation of a factor
    saturday: float = 0.0
    sunday: float = 0.0
    opens: int = 9
    closes: int = 19
    closing: float = 1.0  # times the ordinary, on the last three working days of a month
    complements: float = 0.0  # of a month's invoices are paid later and complemented on days 1 to 5
    workers: int = 0
    habit: int = 0  # payroll is stamped so many working days after the payday (-1: the day before)
    hiring: float = 0.0  # a month
    growth: float = 0.0  # a month
    season: float = 0.0  # the high season is 1 + season times the ordinary
    season_at: int = 1  # day of the year of its middle
    season_days: float = 30.0  # its width
    oneoffs: float = 0.0  # a year: corrections, a late batch; one to eight days' worth


def is_working(day: date) -> bool:
    return day.weekday() < 5 and not is_holiday(day)


def is_holiday(day: date) -> bool:
    """The statutory holidays of Mexico; three of them move to a Monday."""
    if (day.month, day.day) in {(1, 1), (5, 1), (9, 16), (12, 25)}:
        return True
    week = (day.day - 1) // 7
    return day.weekday() == 0 and (day.month, week) in {(2, 0), (3, 2), (11, 2)}


def month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def payday(day: date) -> date:
    """The day itself, or the preceding working day when it falls on a weekend."""
    return day - timedelta(days=max(0, day.weekday() - 4))


def shifted(day: date, working_days: int) -> date:
    """So many working days later, or earlier."""
    step = timedelta(days=1 if working_days > 0 else -1)
    while working_days:
        day += step
        if is_working(day):
            working_days -= 1 if working_days > 0 else -1
    return day


def demand(business: Business, first: date, days: int, random: Random) -> tuple[list[int], list[Step]]:
    """Stamps wanted in each tick from `first` on, and the steps among them."""
    wanted = [0] * (days * TICKS)
    hours = [0.2, 0.7, 1.0, 1.0, 0.9, 0.5, 0.6, 0.9, 1.0, 0.9, 0.6, 0.4]
    open_ticks = range(business.opens * 4, business.closes * 4)
    weights = [hours[(tick - open_ticks.start) * len(hours) // len(open_ticks)] for tick in open_ticks]
    for number in range(days):
        day = first + timedelta(days=number)
        stamps = _poisson(_noisy(_sales(business, day, number), business.spread, random), random)
        for tick in random.choices(open_ticks, weights, k=stamps):
            wanted[number * TICKS + tick] += 1
    steps = sorted(_payrolls(business, first, days, random))
    steps += _oneoffs(business, first, days, random)
    for tick, stamps, _ in steps:
        # A big batch takes a while: some 600 between two polls.
        for part in range(0, stamps, 600):
            at = min(tick + part // 600, len(wanted) - 1)
            wanted[at] += min(600, stamps - part)
    return wanted, sorted(steps)


def _sales(business: Business, day: date, number: int) -> float:
    """The mean of a day."""
    level: float = business.sales * (1 + business.growth) ** (number / 30.4)
    off = (day.timetuple().tm_yday - business.season_at + 182) % 365 - 182
    level *= 1 + business.season * math.exp(-0.5 * (off / business.season_days) ** 2)
    share = 1.0 if is_working(day) else business.saturday if day.weekday() == 5 else business.sunday
    if business.closing > 1 and day >= shifted(month_end(day) + timedelta(days=1), -3):
        share = business.closing * (share if day.weekday() > 4 else 1.0)
    if business.complements and day.day <= 5:
        share += business.complements * (20 + 3 * business.closing) / 4 * (1.0 if is_working(day) else 0.1)
    return level * share


def _payrolls(business: Business, first: date, days: int, random: Random) -> Iterator[Step]:
    if not business.workers:
        return
    month = first.replace(day=1)
    while (month - first).days < days:
        paid = [(payday(month.replace(day=15)), "payroll"), (payday(month_end(month)), "payroll")]
        if month.month == 12:
            paid.append((shifted(month.replace(day=7), random.randint(1, 8)), "year-end bonus"))
        for day, cause in paid:
            late = business.habit + random.choice((-1, 0, 0, 0, 0, 0, 1)) if cause == "payroll" else 0
            tick = ((shifted(day, late) - first).days) * TICKS + random.randrange(9 * 4, 19 * 4)
            workers = business.workers * (1 + business.hiring) ** (tick / TICKS / 30.4)
            if 0 <= tick < days * TICKS:
                yield Step(tick, round(workers * random.uniform(0.97, 1.03)), cause)
        month = month_end(month) + timedelta(days=1)


def _oneoffs(business: Business, first: date, days: int, random: Random) -> Iterator[Step]:
    for number in range(days):
        if is_working(first + timedelta(days=number)) and random.random() < business.oneoffs / 250:
            a_day = business.sales + business.workers * 2 / 21
            stamps = max(2, round(a_day * random.uniform(1, 8)))
            yield Step(number * TICKS + random.randrange(10 * 4, 18 * 4), stamps, "one-off batch")


def _noisy(mean: float, spread: float, random: Random) -> float:
    return mean * random.gammavariate(1 / spread**2, spread**2) if mean and spread else mean


def _poisson(mean: float, random: Random) -> int:
    if mean > 50:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    count, product, floor = 0, random.random(), math.exp(-mean)
    while product > floor:
        count, product = count + 1, product * random.random()
    return count
