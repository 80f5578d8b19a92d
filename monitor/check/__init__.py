"""The commands beside the service: `check` everything once, and `rearm`.

Alone they poll and release, through the same gate as the service. Beside a running service `check` judges
what that one has stored, and never polls; `rearm` asks it.
"""

from monitor.check.command import check
from monitor.check.findings import EXIT_CODES
from monitor.check.release import rearm
from monitor.check.report import print_json, print_table

__all__ = ["EXIT_CODES", "check", "print_json", "print_table", "rearm"]
