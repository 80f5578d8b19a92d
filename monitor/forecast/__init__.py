"""How long the stamps will last, from what was seen of an issuer: pure functions.

Stamps are not used in a straight line. What is expected of each day to come is made of

- the ordinary: the mean of the same day of the week, of the last weeks;
- the busy times of a month, beyond the ordinary: around the payday in its middle, and from its end to
  the 5th of the next; the mean of the last three. Of the one under way: what comes in one step comes
  once; what is spread out goes on as it began;
- once more the middle in December, for the year-end bonus.

Stamps are used up when these days, and a reserve for what days and months differ, add up to what is
available.
"""

from zoneinfo import ZoneInfo

from monitor.forecast.ahead import LONGEST, time_left
from monitor.forecast.daily import daily
from monitor.forecast.habits import Habits, habits_of
from monitor.forecast.history import DAY, Rows, peak_day, rising
from monitor.model import Forecast

__all__ = ["ENOUGH", "LONGEST", "Forecast", "Habits", "Rows", "daily", "forecast", "habits", "time_left"]

#: Nothing is said before so much history (seconds).
ENOUGH = 7 * DAY


def forecast(history: Rows, available: int, now: float, zone: ZoneInfo) -> Forecast:
    """The forecast as of `now` (epoch seconds).

    `history` is ascending: epoch seconds, and the stamps consumed since the issuer was first seen;
    a row where that changed. Older rows may be thinned out. What it says of times after `now`, and
    the fewest rows without which it would never fall (a clock was set), are left out.
    """
    rows = rising(history, now)
    if not rows or rows[0][0] > now - ENOUGH:
        return Forecast(now, None, None)
    return Forecast(now, time_left(habits_of(rows, now, zone), available, now, zone), peak_day(rows, now))


def habits(history: Rows, now: float, zone: ZoneInfo) -> Habits | None:
    """What `forecast` is made of; `None` before 7 days of history."""
    rows = rising(history, now)
    return habits_of(rows, now, zone) if rows and rows[0][0] <= now - ENOUGH else None
