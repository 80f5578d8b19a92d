"""What PromQL can say of the same issuers, as Prometheus 2.42 computes it.

Samples are taken at every tick, of what the last poll saw; a range [7d] has both its ends. Sums are
of whole numbers and exact, where Prometheus compensates its rounding.
"""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

from backtest.demand import TICK, TICKS
from backtest.issuers import Issuer

_RANGE = 7 * TICKS

#: `predict_linear(timbres_available[7d], limit) <= 0` and
#: `timbres_available / rate(timbres_consumed_total[7d]) <= limit` (seconds).
PREDICT_LINEAR, BY_RATE = "predict_linear(available[7d])", "available / rate(consumed[7d])"


class Samples:
    """Sums over the samples of an issuer from any tick to any other."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        ticks = range(len(issuer.used))
        here = [int(issuer.is_fresh(tick)) for tick in ticks]
        seen = [issuer.used[polled] for polled in issuer.polled]
        self._n = _sums(here)
        self._x = _sums(tick * n for tick, n in zip(ticks, here, strict=True))
        self._xx = _sums(tick * tick * n for tick, n in zip(ticks, here, strict=True))
        self._used = _sums(used * n for used, n in zip(seen, here, strict=True))
        self._x_used = _sums(tick * used * n for tick, used, n in zip(ticks, seen, here, strict=True))
        #: The first tick at which each package is seen.
        self._shown = [bisect_left(issuer.polled, tick) for tick, _ in issuer.packages]

    def predict_linear(self, tick: int, package: int, ahead: float) -> float | None:
        """`predict_linear(timbres_available[7d], ahead)`: least squares, `ahead` in seconds."""
        since, until = max(0, tick - _RANGE), tick + 1
        n = self._n[until] - self._n[since]
        if n < 2:
            return None
        y, xy = self._used[since] - self._used[until], self._x_used[since] - self._x_used[until]
        for (_, stamps), shown in zip(self._issuer.packages[: package + 1], self._shown, strict=False):
            if shown < until:
                y += stamps * (self._n[until] - self._n[max(shown, since)])
                xy += stamps * (self._x[until] - self._x[max(shown, since)])
        x, xx = self._x[until] - self._x[since], self._xx[until] - self._xx[since]
        # Times count from `tick`, where the line is read off.
        xy, xx, x = xy - tick * y, xx - 2 * tick * x + tick * tick * n, x - tick * n
        slope = (n * xy - x * y) / (n * xx - x * x)
        return slope * (ahead / TICK) + (y - slope * x) / n

    def by_rate(self, tick: int, package: int) -> float | None:
        """`timbres_available / rate(timbres_consumed_total[7d])` in seconds; the rate is extrapolated.

        `consumed` never falls and never expires, so the first and the last sample are all there is.
        """
        issuer = self._issuer
        first, last = max(0, tick - _RANGE), tick
        if first == last or not issuer.is_fresh(tick):
            return None
        start, end = (issuer.used[issuer.polled[edge]] - issuer.used[0] for edge in (first, last))
        if start == end:
            return None  # divided by a rate of 0: +Inf or NaN
        sampled = float(last - first) * TICK
        to_start = float(first - (tick - _RANGE)) * TICK
        average = sampled / (last - first)
        to_start = min(to_start, sampled * (start / (end - start)))
        extrapolated = sampled + (to_start if to_start < average * 1.1 else average / 2)
        rate = (end - start) * (extrapolated / sampled) / (_RANGE * TICK)
        return issuer.available(tick, package) / rate

    def watch_predict_linear(self, tick: int, package: int, limit: float) -> bool:
        """Whether zero is `limit` seconds away or nearer."""
        found = self.predict_linear(tick, package, limit) if self._issuer.is_fresh(tick) else None
        return found is not None and found <= 0

    def watch_by_rate(self, tick: int, package: int, limit: float) -> bool:
        """Whether zero is `limit` seconds away or nearer."""
        found = self.by_rate(tick, package)
        return found is not None and found <= limit


def _sums(values: Iterable[int]) -> list[int]:
    return [0, *accumulate(values)]
