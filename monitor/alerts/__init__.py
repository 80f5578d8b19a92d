"""Which thresholds are crossed, and the optional sender to Alertmanager."""

from monitor.alerts.firing import Alert, firing
from monitor.alerts.level import Crossing, Level, crossings, level, worst
from monitor.alerts.sender import RESEND, Sender, send_test

__all__ = [
    "RESEND",
    "Alert",
    "Crossing",
    "Level",
    "Sender",
    "crossings",
    "firing",
    "level",
    "send_test",
    "worst",
]
