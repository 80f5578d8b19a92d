"""getTimbres: the envelope out, a `Quota` or a `PacError` in. Vendor Spanish and XML stop here."""

from monitor.pac.connections import Connections, Resolver
from monitor.pac.errors import Busy, Garbled, PacError, Refused, Rejected, Unavailable
from monitor.pac.service import Service

__all__ = [
    "Busy",
    "Connections",
    "Garbled",
    "PacError",
    "Refused",
    "Rejected",
    "Resolver",
    "Service",
    "Unavailable",
]
