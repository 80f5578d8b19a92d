"""May this account be used now? One gate per credential: it proves, holds, remembers.

A gate is *unproven* until its credential has worked in this process: one call at a time, each
preceded by a durable intent. Once it has worked, up to `max_in_flight` calls go out together.
At the first refusal it is *held*, durably: nothing is sent with this credential until its values in
the configuration change or an operator releases it. No timer tries again.
"""

from monitor.guard.gate import Credential, Gate, Held
from monitor.guard.guard import Guard
from monitor.guard.standing import UNVERIFIED, Waits

__all__ = ["UNVERIFIED", "Credential", "Gate", "Guard", "Held", "Waits"]
