"""When each target is due: a queue by monotonic time, drained by one APScheduler job.

A job a target would cost more than the poll itself. All periodic work is APScheduler's; its
triggers follow the wall clock, so one watchdog on the monotonic clock notices when that steps.
"""

from monitor.schedule.every import Every
from monitor.schedule.schedule import Schedule

__all__ = ["Every", "Schedule"]
