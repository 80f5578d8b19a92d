"""Exposition of a snapshot, and the monitor's own metrics.

The series of targets are written by hand: `Gauge` objects would have to be kept in step with the
configuration, and cost 75 times as much.
"""

from monitor.metrics.exposition import exposition
from monitor.metrics.family import FAMILIES, Family
from monitor.metrics.page import Metrics

__all__ = ["FAMILIES", "Family", "Metrics", "exposition"]
