"""What outlives the process: last readings, history, holds. SQLAlchemy Core over SQLite."""

from monitor.store.errors import Locked, StoreUnavailable
from monitor.store.rows import Loaded, Point, Polled
from monitor.store.store import Store
from monitor.store.visit import is_there, peek, recogniser, request_rearm, withdraw

__all__ = [
    "Loaded",
    "Locked",
    "Point",
    "Polled",
    "Store",
    "StoreUnavailable",
    "is_there",
    "peek",
    "recogniser",
    "request_rearm",
    "withdraw",
]
