"""`python -m backtest [fit]`: the table, on the seeds for reporting or on those for fitting."""

import sys
from collections import Counter
from collections.abc import Iterable
from multiprocessing import Pool
from statistics import median

from backtest.issuers import DAYS, FIT, KINDS, REPORT, ZONE, Issuer, issuer
from backtest.promql import BY_RATE, PREDICT_LINEAR, Samples
from backtest.score import Exhaustion, Score, Watch, score
from monitor.forecast import Habits, habits, time_left


class Forecasts:
    """The monitor's own forecast of an issuer."""

    def __init__(self, one: Issuer) -> None:
        self._issuer = one
        self._tick = -1
        self._habits: Habits | None = None

    def time_left(self, tick: int, package: int) -> float | None:
        """As `forecast` has it; what does not depend on the package is kept."""
        if tick != self._tick:
            now = float(self._issuer.at(tick))
            self._tick, self._habits = tick, habits(self._issuer.history(tick), now, ZONE)
        if self._habits is None or not self._issuer.is_fresh(tick):
            return None
        now = float(self._issuer.at(tick))
        return time_left(self._habits, self._issuer.available(tick, package), now, ZONE)

    def watch(self, tick: int, package: int, limit: float) -> bool:
        """Whether zero is `limit` seconds away or nearer."""
        left = self.time_left(tick, package)
        return left is not None and left <= limit


def run(job: tuple[str, int]) -> dict[str, Score]:
    """Every way to watch, on one issuer."""
    one = issuer(*job)
    samples = Samples(one)
    ways: dict[str, Watch] = {
        "forecast": Forecasts(one).watch,
        PREDICT_LINEAR: samples.watch_predict_linear,
        BY_RATE: samples.watch_by_rate,
    }
    return {way: score(one, watch) for way, watch in ways.items()}


def table(kinds: Iterable[str], scores: list[tuple[str, dict[str, Score]]]) -> Iterable[str]:
    """A row a kind and way: working days of warning, false alarms, exhaustions, misses."""
    yield f"{'':20}{'':32}{'warning':>16}{'critical':>16}{'false alarms':>15}{'':>13}{'missed':>13}"
    yield (
        f"{'kind':20}{'way':32}{'median':>9}{'worst':>7}{'median':>9}{'worst':>7}{'a year each':>15}"
        f"{'exhaustions':>13}{'':>7}{'%':>6}{'withdrawn':>11}"
    )
    for kind in (*kinds, "all"):
        rows = [ways for name, ways in scores if kind in {name, "all"}]
        for way in rows[0]:
            found = [one for ways in rows for one in ways[way].exhaustions if one.counts]
            alarms = sum(ways[way].false_alarms for ways in rows) / len(rows) / (DAYS / 365)
            missed = sum(one.missed for one in found)
            withdrawn = sum(one.withdrawn for one in found)
            yield (
                f"{kind:20}{way:32}{_spread([one.warning for one in found])}"
                f"{_spread([one.critical for one in found])}{alarms:15.2f}{len(found):13}{missed:7}"
                f"{100 * missed / max(1, len(found)):6.1f}{withdrawn:11}"
            )


def _spread(days: list[float]) -> str:
    return f"{median(days):9.1f}{min(days):7.1f}" if days else f"{'-':>9}{'-':>7}"


def misses(way: str, found: list[Exhaustion]) -> Iterable[str]:
    yield f"{way}: {len(found)} missed"
    if len(found) > 30:
        for cause, times in Counter(one.cause.translate(_NO_DIGITS) for one in found).most_common():
            yield f"  {times:4} × {cause}"
        return
    for one in found:
        yield f"  {one.kind} {one.seed}, {one.at:%Y-%m-%d %a}: {one.warning:.1f} working days; {one.cause}"


_NO_DIGITS = str.maketrans(dict.fromkeys("0123456789", "")) | {ord("."): ""}


def main() -> None:
    seeds = FIT if sys.argv[1:] == ["fit"] else REPORT
    jobs = [(kind, seed) for kind in KINDS for seed in seeds]
    with Pool() as pool:
        scores = [(kind, ways) for (kind, _), ways in zip(jobs, pool.imap(run, jobs), strict=True)]
    lines = [*table(KINDS, scores), "", "After two months of history, warned less than 3 working days ahead:"]
    for way in scores[0][1]:
        every = [one for _, ways in scores for one in ways[way].exhaustions]
        lines += misses(way, [one for one in every if one.missed and one.counts])
        early = [one for one in every if not one.counts]
        lines.append(f"  (earlier: {sum(one.missed for one in early)} of {len(early)})")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
