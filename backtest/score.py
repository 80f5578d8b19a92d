"""How well warnings did: in time, too late, or for nothing."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from backtest.demand import TICK, TICKS
from backtest.issuers import DAYS, ZONE, Issuer

#: Whether a way to watch says that zero is so near: (tick, package, seconds).
Watch = Callable[[int, int, float], bool]

#: The limits of a warning and of a critical alert (seconds), as in the configuration's defaults.
WARNING, CRITICAL = 10 * 86400.0, 3 * 86400.0

#: Ways are asked every so many ticks.
EVERY = 12

#: A warning sooner than this before zero (ticks) is a false alarm; one that comes back within a day is
#: the same.
_SOON, _SAME = 30 * TICKS, TICKS

#: Exhaustions count after so much history (ticks), and are missed with fewer working days' warning.
HISTORY, ENOUGH = 61 * TICKS, 3.0


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """A package used up, had nobody bought another. Working days before that; 0: not warned."""

    kind: str
    seed: int
    at: datetime
    counts: bool  # it came after two months of history
    warning: float
    critical: float
    stood: float  # the warning that still stood at zero; one that comes back within a day is the same
    cause: str  # why the warning came late, if it did

    @property
    def missed(self) -> bool:
        return self.warning < ENOUGH

    @property
    def withdrawn(self) -> bool:
        """Warned in time, but the warning went away again before it was too late."""
        return not self.missed and self.stood < ENOUGH


@dataclass(slots=True)
class Score:
    exhaustions: list[Exhaustion] = field(default_factory=list)
    false_alarms: int = 0


def score(issuer: Issuer, watch: Watch) -> Score:
    """Follow an issuer for a year with one way to watch."""
    result = Score()
    end = DAYS * TICKS
    standing: dict[float, int | None] = {WARNING: None, CRITICAL: None}  # since when, as things really went
    last_false = -end
    for package, (bought, _) in enumerate(issuer.packages):
        if bought >= end:
            break
        zero = issuer.zero(package)
        really = min(issuer.packages[package + 1][0] if package + 1 < len(issuer.packages) else end, end)
        known = dict(standing)
        first: dict[float, int] = {}
        stood: int | None = None  # since when the latest warning stands
        warned_at = -end
        for tick in range(-(-bought // EVERY) * EVERY, max(really, min(zero or 0, end)), EVERY):
            near = zero is not None and zero <= end and zero - _SOON <= tick < zero
            if tick >= really and not near:
                continue
            for limit in (WARNING, CRITICAL):
                warned = watch(tick, package, limit)
                known[limit] = (tick if known[limit] is None else known[limit]) if warned else None
                since = known[limit]
                if since is not None and near and limit not in first and zero is not None:
                    first[limit] = max(since, zero - _SOON)
                if since is not None and near and limit == WARNING:
                    stood = stood if tick - warned_at <= _SAME else first[limit] if stood is None else tick
                    warned_at = tick
                if tick < really:
                    standing[limit] = since
            if tick < really and known[WARNING] is not None and (zero is None or zero - tick > _SOON):
                result.false_alarms += tick - last_false > _SAME
                last_false = tick
        if zero is not None and zero <= end:
            result.exhaustions.append(
                _exhaustion(issuer, package, zero, first, stood if zero - warned_at <= _SAME else None)
            )
    return result


def working_days(since: int, until: int) -> float:
    """Days of Monday to Friday between two moments (epoch seconds)."""
    start, end = (datetime.fromtimestamp(at, ZONE) for at in (since, until))
    total, day = 0.0, start.date()
    while day <= end.date():
        if day.weekday() < 5:
            midnight = datetime.combine(day, datetime.min.time(), ZONE).timestamp()
            total += max(0.0, min(midnight + 86400, until) - max(midnight, since)) / 86400
        day += timedelta(days=1)
    return total


def _exhaustion(
    issuer: Issuer, package: int, zero: int, first: dict[float, int], stood: int | None
) -> Exhaustion:
    at = issuer.at(zero)
    warning, critical = (
        working_days(issuer.at(first[limit]), at) if limit in first else 0.0 for limit in (WARNING, CRITICAL)
    )
    return Exhaustion(
        kind=issuer.kind,
        seed=issuer.seed,
        at=datetime.fromtimestamp(at, ZONE),
        counts=zero >= HISTORY,
        warning=warning,
        critical=critical,
        stood=0.0 if stood is None else working_days(issuer.at(stood), at),
        cause=cause(issuer, package, zero) if warning < ENOUGH else "",
    )


def cause(issuer: Issuer, package: int, zero: int) -> str:
    """What was special about the last days before `zero`, for people; the first that applies."""
    bought = issuer.packages[package][0]
    if working_days(issuer.at(bought), issuer.at(zero)) < ENOUGH:
        return f"the package was for {(zero - bought) / TICKS:.1f} days only"
    since = zero - 7 * TICKS
    hours = max(tick - issuer.polled[tick] for tick in range(since, zero)) * TICK / 3600
    if hours >= 18:
        return f"no polls for {hours:.0f} hours"
    spent = issuer.used[zero] - issuer.used[since]
    for name in ("one-off batch", "year-end bonus"):
        stamps = sum(
            step.stamps for step in issuer.steps if step.cause == name and since <= step.tick <= zero
        )
        if stamps * 4 > spent:
            return f"{name} of {stamps}"
    tail = bisect_left(issuer.steps, (zero - 3 * TICKS,))
    if stamps := sum(step.stamps for step in issuer.steps[tail:] if step.tick <= zero):
        return f"payroll of {stamps}"
    before = issuer.used[since] - issuer.used[max(0, since - 7 * TICKS)]
    day = datetime.fromtimestamp(issuer.at(zero), ZONE).day
    when = "month end" if day > 26 else "days 1 to 5" if day <= 5 else "sales"
    return f"{when}: {spent} in the last week, {before} in the one before"
