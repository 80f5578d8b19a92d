"""What was consumed of late, day by day: for charts."""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from monitor.forecast.history import Rows, midnight, rising

#: The days that are told, today among them.
DAYS = 35


def daily(history: Rows, now: float, zone: ZoneInfo) -> Sequence[int]:
    """The stamps consumed on each of the last 35 days in `zone`; the last number is today's so far.

    `now` in epoch seconds. Fewer numbers if the issuer has been seen for less: the first is then that
    of the day on which it was first seen, from that moment on. None without history.
    """
    rows = rising(history, now)
    if not rows:
        return array("I")
    today = datetime.fromtimestamp(now, zone).toordinal()
    first = max(today - DAYS + 1, datetime.fromtimestamp(rows[0][0], zone).toordinal())
    times = [at for at, _ in rows]
    edges = [midnight(day, zone) for day in range(first, today + 1)] + [now]
    # A row is what was known from its time on; before the first, nothing had been consumed that we saw.
    known = [rows[max(0, bisect_right(times, edge) - 1)][1] for edge in edges]
    stamps = [later - one for one, later in pairwise(known)]
    # An array: as a tuple it would be the largest thing that is kept of a target.
    return array("I" if max(stamps) < 2**32 else "Q", stamps)
