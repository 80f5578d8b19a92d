"""May this account be used now? One gate per credential.

A gate is *unproven* until its credential has worked in this process: one call at a time, the
others wait for the verdict. Once it has worked, up to `max_in_flight` calls go out together.
At the first refusal it is *held*: nothing is sent with this credential again.
"""

import time
from collections.abc import Callable, Sequence
from types import TracebackType

import structlog

from monitor.config import Account
from monitor.model import AccountStatus, Verdict
from monitor.pac import PacError
from monitor.places import Places

log = structlog.get_logger()

#: Seconds that a credential which has worked waits after HTTP 401, 403 or 407, doubling.
FORBIDDEN_WAIT = 15 * 60.0
FORBIDDEN_WAIT_MOST = 6 * 3600.0


class Held(Exception):
    """Not sent. `retry_after`: seconds until it may be, or `None` while only a person can say."""

    def __init__(self, code: str, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.retry_after = retry_after


class Gate:
    """The gate of one credential, shared by everything that uses it: `async with gate: call`.

    The outcome of the block is the verdict: no exception proves the credential, a `PacError`
    says what it says. Entering raises `Held`.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.accounts: tuple[str, ...] = ()  # that have this credential; none: it left the configuration
        self.hold: str | None = None  # the code that closed it
        self.proven = False
        self._clock = clock
        self._most = 1
        self._places = Places(1)
        self._wait = 0.0  # length of the last wait
        self._wait_until = 0.0

    def apply(self, accounts: Sequence[Account]) -> None:
        """These accounts share the credential now; the smallest `max_in_flight` counts."""
        self.accounts = tuple(account.name for account in accounts)
        self._most = min((account.max_in_flight for account in accounts), default=1)
        if accounts:
            self._places.resize(self._most if self.proven else 1)
        else:
            self._places.dismiss()

    def check(self) -> None:
        """Raise `Held` unless a call may be sent at this moment."""
        if not self.accounts:
            raise Held("retired", "the credential has left the configuration", 0.0)
        if self.hold is not None:
            raise Held(self.hold, f"the account is held since the PAC answered {self.hold}")
        if (left := self._wait_until - self._clock()) > 0:
            raise Held("wait", "waiting after HTTP 401, 403 or 407", left)

    async def __aenter__(self) -> None:
        # 1. A closed gate is not waited for; an open one may close while we wait.
        self.check()
        # 2. Whoever waits on after this must `check` again right before sending.
        while not await self._places.take():
            self.check()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # 3. The verdict comes before the place is given back: nobody passes between the two.
        if error is None:
            self._judge(Verdict.PROVES, "200")
        elif isinstance(error, PacError):
            self._judge(error.verdict, error.code)
        self._places.give()

    def _judge(self, verdict: Verdict, code: str) -> None:
        if verdict is Verdict.PROVES:
            self._wait = 0.0
            if not self.proven:
                self.proven = True
                self._places.resize(self._most)
        elif verdict is Verdict.REFUSES or (verdict is Verdict.FORBIDDEN and not self.proven):
            if self.hold is None:
                self.hold = code
                log.error("account held", accounts=self.accounts, code=code)
            self._places.dismiss()
        elif verdict is Verdict.FORBIDDEN:
            # It has worked, so this may be a firewall's page: wait, hold nobody.
            self._wait = min(max(FORBIDDEN_WAIT, 2 * self._wait), FORBIDDEN_WAIT_MOST)
            self._wait_until = self._clock() + self._wait
            log.warning("account waits", accounts=self.accounts, code=code, seconds=self._wait)
            self._places.dismiss()


class Guard:
    """All gates. One that was held is remembered when its credential leaves: flipping the
    configuration to another password and back sends nothing with the refused one.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._gates: dict[tuple[str, str, str], Gate] = {}
        self._by_account: dict[str, Gate] = {}

    def apply(self, accounts: Sequence[Account]) -> None:
        """Take over a configuration: gates of credentials that stay keep what they know."""
        sharing: dict[tuple[str, str, str], list[Account]] = {key: [] for key in self._gates}
        for account in accounts:
            sharing.setdefault(account.credential, []).append(account)
        for credential, group in sharing.items():
            gate = self._gates.setdefault(credential, Gate(self._clock))
            gate.apply(group)
            if not group and gate.hold is None:
                del self._gates[credential]
        self._by_account = {account.name: self._gates[account.credential] for account in accounts}

    def gate(self, account: str) -> Gate:
        """The gate of a configured account."""
        return self._by_account[account]

    def statuses(self) -> list[AccountStatus]:
        """One for each configured account, in the order of the configuration."""
        return [AccountStatus(name, gate.hold, not gate.proven) for name, gate in self._by_account.items()]
