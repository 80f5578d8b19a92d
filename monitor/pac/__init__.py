"""getTimbres: the envelope out, a `Quota` or a `PacError` in. Vendor Spanish and XML stop here."""

from monitor.pac.errors import Busy, Garbled, PacError, Refused, Rejected, Unavailable
from monitor.pac.service import Service, session

__all__ = [
    "Busy",
    "Garbled",
    "PacError",
    "Refused",
    "Rejected",
    "Service",
    "Unavailable",
    "session",
]
