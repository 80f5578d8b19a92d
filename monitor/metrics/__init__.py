"""Exposition of a snapshot, and the monitor's own metrics.

The series of targets are written by hand: `Gauge` objects would have to be kept in step with the
configuration, and cost 75 times as much.
"""

from monitor.metrics.exposition import Exposition
from monitor.metrics.of_others import OTHERS
from monitor.metrics.of_targets import OF_TARGETS
from monitor.metrics.page import Metrics

__all__ = ["FAMILIES", "Exposition", "Metrics"]

#: Every metric but the monitor's own, which prometheus-client prints.
FAMILIES = (*OF_TARGETS, *OTHERS)
