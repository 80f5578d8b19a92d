"""A pretend PAC "Solución Factible": stamps that burn, faults on demand, a lock-out that really locks.

Written from the description of the wire alone, and imports nothing else of this project, so that
a misreading of the wire cannot sit in both halves and cancel out.

    async with Pac([Account("ws@norte.example", "secret", {"EKU9003173C9": Issuer(1000)})]).serve() as url:
        ...
"""

from monitor.simulator.account import Account, Issuer
from monitor.simulator.fault import FAULTS, UnknownFault
from monitor.simulator.past import KINDS, Moment, business_hours, past
from monitor.simulator.server import Pac

__all__ = ["FAULTS", "KINDS", "Account", "Issuer", "Moment", "Pac", "UnknownFault", "business_hours", "past"]
