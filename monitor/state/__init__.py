"""The latest of each target, and what is counted of it."""

from monitor.state.row import Row, Snapshot
from monitor.state.state import BATCH, Arranged, State

__all__ = ["BATCH", "Arranged", "Row", "Snapshot", "State"]
