"""The latest of each target, and what is counted of it."""

from monitor.state.row import Row, Snapshot
from monitor.state.state import Arranged, State

__all__ = ["Arranged", "Row", "Snapshot", "State"]
