"""Generated issuers: a year of stamps, of packages that people buy, of polls with gaps."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import accumulate
from random import Random
from zoneinfo import ZoneInfo

from backtest.demand import TICK, TICKS, Business, demand, is_working

ZONE = ZoneInfo("America/Mexico_City")

#: Days that are scored, and days after them in which zero may still come.
DAYS, BEYOND = 365, 45

#: Two disjoint sets: the forecast is fitted on one, and reported on the other.
FIT, REPORT = range(1000, 1100), range(2000, 2020)

#: What the provider sells.
_PACKAGES = (25, 50, 100, 200, 300, 500, 1000, 2000, 3000, 5000, 10_000, 20_000, 50_000, 100_000)


@dataclass(frozen=True, slots=True)
class Buyer:
    """How people buy stamps."""

    months: tuple[float, float] = (1.0, 6.0)  # a package is for so many months of the latest use
    level: tuple[float, float] = (0.05, 0.4)  # of a package: when less is left and somebody looks, they buy
    looks: float = 0.3  # chance of looking, a working day
    whims: float = 1 / 120  # chance of buying whatever is left, a day


@dataclass(frozen=True, slots=True)
class Polls:
    """How often polls fail for a while (a day), and for how many hours."""

    gaps: float = 1 / 60
    hours: tuple[float, float] = (1, 12)


class Issuer:
    """One issuer. Quantities by tick of 15 minutes; the poll at a tick sees what came before it."""

    def __init__(self, kind: str, seed: int, business: Business, buyer: Buyer, polls: Polls) -> None:
        random = Random(f"{kind} {seed}")
        self.kind, self.seed = kind, seed
        first = date(2023, 1, 1) + timedelta(days=random.randrange(3 * 365))
        midnight = datetime.combine(first, datetime.min.time(), ZONE)
        self._start = int(midnight.timestamp()) + random.randrange(TICK)
        wanted, self.steps = demand(business, first, DAYS + BEYOND, random)
        #: Stamps used by each tick, and the packages: tick and stamps.
        self.used, self.packages = _buy(wanted, buyer, self.at, random)
        self._bought = list(accumulate(stamps for _, stamps in self.packages))
        #: The tick of the last good poll as of each tick.
        self.polled = _poll(len(wanted), polls, random)
        self._thin()

    def at(self, tick: int) -> int:
        """Epoch seconds."""
        return self._start + tick * TICK

    def zero(self, package: int) -> int | None:
        """The tick at which nothing is left, had nobody bought anything after `package`."""
        tick = bisect_left(self.used, self._bought[package])
        return tick if tick < len(self.used) else None

    def available(self, tick: int, package: int) -> int:
        """What the last poll saw as of `tick`, had nobody bought anything after `package`."""
        seen = self.polled[tick]
        last = bisect_left(self.packages, (seen + 1, 0)) - 1
        return self._bought[min(package, last)] - self.used[seen]

    def is_fresh(self, tick: int) -> bool:
        """Numbers disappear 24 h after the last good poll."""
        return tick - self.polled[tick] <= TICKS

    def history(self, tick: int) -> list[tuple[float, int]]:
        """What the store holds as of `tick`: (epoch seconds, stamps consumed since first seen).

        Every change of 8 days, the last of each hour to 40 days, of each day (UTC) beyond.
        """
        now = self.at(tick)
        days, hours = (now - 40 * 86400) // 86400 * 86400, (now - 8 * 86400) // 3600 * 3600
        return [
            *_between(self._daily, 0, days),
            *_between(self._hourly, days, hours),
            *_between(self._all, hours, now + 1),
        ]

    def _thin(self) -> None:
        self._all: list[tuple[float, int]] = []
        bought, before = 0, (-1, -1)
        for tick in sorted(set(self.polled)):
            while bought < len(self.packages) and self.packages[bought][0] <= tick:
                bought += 1
            if (numbers := (self.used[tick], bought)) != before:
                self._all.append((self.at(tick), self.used[tick] - self.used[0]))
            before = numbers
        self._hourly = [*{at // 3600: (at, used) for at, used in self._all}.values()]
        self._daily = [*{at // 86400: (at, used) for at, used in self._all}.values()]


def _between(rows: list[tuple[float, int]], since: float, until: float) -> list[tuple[float, int]]:
    return rows[bisect_left(rows, (since,)) : bisect_left(rows, (until,))]


def _buy(
    wanted: Sequence[int], buyer: Buyer, at: Callable[[int], int], random: Random
) -> tuple[list[int], list[tuple[int, int]]]:
    """Stamp what is wanted, as far as there are stamps; what has to wait is stamped after a purchase."""
    used: list[int] = []
    usual = sum(wanted[: 60 * TICKS]) / 2 or 10.0
    left = max(1, round(_package(usual, buyer, random) * random.uniform(0.3, 1)))
    packages = [(0, left)]
    waiting, total, rescue, level = 0, 0, -1, random.uniform(*buyer.level)
    for tick, more in enumerate(wanted):
        if tick % TICKS == 0:
            working = is_working(datetime.fromtimestamp(at(tick), ZONE).date())
            look = tick + random.randrange(9 * 4, 18 * 4) if working and random.random() < buyer.looks else -1
            whim = tick + random.randrange(8 * 4, 20 * 4) if random.random() < buyer.whims else -1
        if tick in {rescue, whim} or (tick == look and left <= level * packages[-1][1]):
            month = total - used[-30 * TICKS] if tick > 30 * TICKS else usual
            packages.append((tick, _package(max(month, usual / 4), buyer, random)))
            left += packages[-1][1]
            level, rescue = random.uniform(*buyer.level), -1
        waiting += more
        stamped = min(left, waiting)
        waiting, left, total = waiting - stamped, left - stamped, total + stamped
        used.append(total)
        if waiting and rescue < tick:
            rescue = tick + random.randrange(2 * 4, 30 * 4)
    return used, packages


def _package(month: float, buyer: Buyer, random: Random) -> int:
    need = month * random.uniform(*buyer.months)
    return next((package for package in _PACKAGES if package >= need), _PACKAGES[-1])


def _poll(ticks: int, polls: Polls, random: Random) -> list[int]:
    last, until, polled = 0, 0, []
    for tick in range(ticks):
        if tick >= until:
            last = tick
            if random.random() < polls.gaps / TICKS:
                low, high = polls.hours
                until = tick + round(low * (high / low) ** random.random() * 4)
        polled.append(last)
    return polled


def _retail(random: Random) -> Business:
    return Business(
        sales=10 ** random.uniform(0.9, 2.3),
        spread=random.uniform(0.15, 0.35),
        saturday=random.uniform(0.6, 1.4),
        sunday=random.choice((0.0, 0.0, 0.0, 0.3)),
        closes=21,
        workers=random.choice((0, 0, random.randint(4, 40))),
        closing=random.choice((1.0, 1.0, 1.5)),
        oneoffs=0.3,
    )


def _payroll(random: Random) -> Business:
    return Business(
        workers=round(10 ** random.uniform(1.3, 3.2)),
        habit=random.choice((-1, 0, 0, 0, 1)),
        hiring=random.uniform(-0.01, 0.02),
        sales=random.choice((0.3, 1, 3, 8, 15)),
        spread=0.5,
        complements=random.choice((0.0, 0.3)),
        oneoffs=0.3,
    )


def _services(random: Random) -> Business:
    return Business(
        sales=10 ** random.uniform(0, 1.6),
        spread=random.uniform(0.3, 0.5),
        closing=random.uniform(4, 12),
        complements=random.uniform(0.1, 0.6),
        workers=random.choice((0, 0, random.randint(3, 30))),
        oneoffs=0.3,
    )


def _any(random: Random) -> Business:
    return random.choice((_retail, _retail, _payroll, _services))(random)


def _growing(random: Random) -> Business:
    growth = random.uniform(0.04, 0.12)
    return replace(random.choice((_retail, _services))(random), growth=growth, hiring=growth / 2)


def _seasonal(random: Random) -> Business:
    return replace(
        random.choice((_retail, _retail, _services))(random),
        season=random.uniform(0.6, 2.5),
        season_at=random.choice((150, 230, 350, random.randint(1, 365))),
        season_days=random.uniform(15, 60),
    )


def _sleepy(random: Random) -> Business:
    return Business(sales=10 ** random.uniform(-1.5, 0), spread=1.5, oneoffs=0.3)


_KINDS: dict[str, tuple[Callable[[Random], Business], Buyer, Polls]] = {
    "steady retail": (_retail, Buyer(), Polls()),
    "fortnight payroll": (_payroll, Buyer(), Polls()),
    "month-end services": (_services, Buyer(), Polls()),
    "growing": (_growing, Buyer(), Polls()),
    "seasonal": (_seasonal, Buyer(), Polls()),
    "sleepy": (_sleepy, Buyer(months=(2, 24), whims=1 / 300), Polls()),
    "topped up": (_any, Buyer(months=(0.3, 1.5), level=(0.1, 0.9), looks=0.5, whims=1 / 25), Polls()),
    "gaps in polls": (_any, Buyer(), Polls(gaps=1 / 6, hours=(2, 96))),
}
KINDS = tuple(_KINDS)


def issuer(kind: str, seed: int) -> Issuer:
    """The same one for the same kind and seed, on every machine."""
    make, buyer, polls = _KINDS[kind]
    return Issuer(kind, seed, make(Random(f"business {kind} {seed}")), buyer, polls)
