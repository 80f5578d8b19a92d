"""May this account be used now? One gate per credential: it proves, holds, remembers.

A gate is *unproven* until its credential has worked in this process: one call at a time, each
preceded by a durable intent, and a wait after each that does not prove it. Only proof opens it; up to
`max_in_flight` calls then go out together. At the first refusal it is *held*, durably: nothing is sent
with this credential until its values in the configuration change or an operator releases it. No timer
tries again.
"""

from monitor.guard.gate import FORMERLY, Credential, Gate, Held, aside, why_held
from monitor.guard.guard import Guard, recall
from monitor.guard.standing import UNVERIFIED, Waits

__all__ = [
    "FORMERLY",
    "UNVERIFIED",
    "Credential",
    "Gate",
    "Guard",
    "Held",
    "Waits",
    "aside",
    "recall",
    "why_held",
]
