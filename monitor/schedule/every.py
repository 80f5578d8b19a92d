"""When periodic work is done."""

from datetime import datetime, timedelta

from apscheduler.triggers.base import BaseTrigger


class Every(BaseTrigger):  # type: ignore[misc]  # apscheduler has no types
    """Fires so often, counted from now.

    APScheduler's own IntervalTrigger walks through every missed time: a clock that steps from
    1970 to today would keep it busy for hours.
    """

    def __init__(self, seconds: float) -> None:
        self._interval = timedelta(seconds=seconds)

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        return now + self._interval
