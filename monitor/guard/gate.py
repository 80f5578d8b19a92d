"""The gate of one credential."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from types import TracebackType

import structlog

from monitor.config import Account
from monitor.guard.standing import UNVERIFIED, WORKS, Waits, judged
from monitor.model import RETIRED, Standing, Verdict
from monitor.pac import PacError
from monitor.places import Places

log = structlog.get_logger()

Credential = tuple[str, str, str]

#: Writes a standing durably: true once it is on the disk.
Remember = Callable[[Credential, Standing], Awaitable[bool]]

RETRY = 30.0  # seconds until the turn comes again of a call that could not be sent for our own reasons


class Held(Exception):
    """Not sent. `retry_after`: seconds until it may be, or `None` while only a person can say."""

    def __init__(self, code: str, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.retry_after = retry_after


class Gate:
    """The gate of one credential, shared by everything that uses it.

    ::

        async with gate:  # a place; the outcome of the block is the verdict
            ...  # whatever else there is to wait for
            gate.check(rfc)
            ...  # connect
            if not gate.proven:
                await gate.intend(rfc)
            ...  # send

    All three raise `Held`. No exception proves the credential, a `PacError` says what it says.
    """

    def __init__(
        self,
        credential: Credential,
        standing: Standing,
        remember: Remember,
        waits: Waits,
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self.accounts: tuple[str, ...] = ()  # that have this credential; none: it left the configuration
        self.proven = False
        self.unsaved = False
        self._credential = credential
        self._remember = remember
        self._waits = waits
        self._clock = clock
        self._wall = wall
        self._most = 1
        self._targets = 0
        self._places = Places(1)
        self._asked = ""  # the RFC of the last unproven call
        self._suspect = ""  # the one whose verdict was lost
        self._wait_until = 0.0
        self.restore(standing)

    def restore(self, standing: Standing) -> None:
        """Begin with what was remembered. An intent found open is a lost verdict, and a wait
        is waited anew, in full: nobody knows how long ago it began.
        """
        self.unsaved = standing.intent
        if standing.intent:
            standing = judged(standing, Verdict.LOST, UNVERIFIED, self._wall(), self._waits)
        self.standing = standing
        self.shown = standing
        if standing.wait:
            self._wait_until = self._clock() + standing.wait

    def apply(self, accounts: Sequence[Account], targets: int) -> None:
        """These accounts, with so many targets, have the credential now; the smallest
        `max_in_flight` counts.
        """
        self.accounts = tuple(account.name for account in accounts)
        self._targets = targets
        self._most = min((account.max_in_flight for account in accounts), default=1)
        if not accounts:
            self.proven = False
            self._places.dismiss()
        self._places.resize(self._most if self.proven else 1)

    def check(self, rfc: str = "") -> None:
        """Raise `Held` unless a call, or one for this RFC, may be sent at this moment."""
        if not self.accounts:
            raise Held(RETIRED, "the credential has left the configuration", 0.0)
        if self.standing.hold is not None:
            raise Held(self.standing.hold, f"the account is held: {self.standing.hold}")
        if (left := self._wait_until - self._clock()) > 0:
            raise Held("wait", "the account waits before its next call", left)
        if rfc and rfc == self._suspect and self._targets > 1:
            raise Held("wait", "another RFC goes first: the last verdict was lost with this one", RETRY)

    async def intend(self, rfc: str) -> None:
        """Write that a call of an unproven credential is about to be sent: if we die before its
        verdict, the next process knows that there may have been a login. Not before there is a
        connection: without one nothing is sent, and a death tells of nothing.
        """
        self.standing = replace(self.standing, intent=True)
        if not await self._remember(self._credential, self.standing):
            self.standing = replace(self.standing, intent=False)
            raise Held("state", "the database cannot be written: an unproven credential is not used", RETRY)
        self._asked = rfc
        self.check(rfc)  # the configuration may have changed meanwhile

    async def rearm(self) -> None:
        """An operator's word: whatever held or delayed it is forgotten, and one call is allowed."""
        self.standing = Standing(worked=self.standing.worked, intent=self.standing.intent)
        self._wait_until = 0.0
        self._suspect = ""
        self._unprove()
        log.warning("account released by an operator", accounts=", ".join(self.accounts))
        await self.save()

    async def save(self) -> None:
        """Write what is known, durably; show it when that has been tried."""
        standing = self.standing
        self.unsaved = True  # should we be cancelled in the middle
        self.unsaved = not await self._remember(self._credential, standing)
        self.shown = standing

    async def __aenter__(self) -> None:
        # 1. A closed gate is not waited for; an open one may close while we wait.
        self.check()
        # 2. Whoever waits on after this must `check` again right before sending.
        while not await self._places.take():
            self.check()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # 3. The verdict is known, and on the disk if it changes anything, before the place is given
        #    back and before anybody hears of the outcome.
        try:
            if error is None:
                if not (self.proven and self.standing is WORKS):  # or it is no news
                    await self._judge(Verdict.PROVES, "200")
            elif isinstance(error, PacError):
                await self._judge(error.verdict, error.code)
            elif self.standing.intent:
                # Held between intent and sending; else cancelled or broken: nobody knows.
                await self._judge(Verdict.NOT_SENT if isinstance(error, Held) else Verdict.LOST, "")
        finally:
            self._places.give()

    async def _judge(self, verdict: Verdict, code: str) -> None:
        before, now = self.standing, self._clock()
        if before.wait and self._wait_until > now and verdict in (Verdict.LOST, Verdict.FORBIDDEN):
            # One of several calls that were out together: the wait has begun, and is not doubled.
            self.standing = judged(replace(before, wait=0.0), verdict, code, self._wall(), self._waits)
            self.standing = replace(self.standing, wait=before.wait)
        else:
            self.standing = judged(before, verdict, code, self._wall(), self._waits)
            if self.standing.wait and verdict is not Verdict.NOT_SENT:
                self._wait_until = now + self.standing.wait
        if verdict is Verdict.PROVES and self.standing.hold is None:
            self._wait_until, self._suspect = 0.0, ""
            if not self.proven:
                self.proven = True
                self._places.resize(self._most)
        elif verdict is Verdict.LOST and not self.proven:
            self._suspect = self._asked
        if self.standing.hold or self.standing.lost >= 2:
            self._unprove()
        if self.standing.hold or self._wait_until > now:
            self._places.dismiss()  # those who wait are told so, without sending
        if self.standing != before:
            await self.save()
            self._log(before)

    def _unprove(self) -> None:
        self.proven = False
        self._places.resize(1)

    def _log(self, before: Standing) -> None:
        after, names = self.standing, ", ".join(self.accounts)
        if after.hold and not before.hold:
            words = "nothing more is sent: correct the password and reload, or mend it at the PAC and rearm"
            log.error("account held", accounts=names, code=after.hold, text=words)
        elif after.wait and after.wait != before.wait:
            log.warning("account waits", accounts=names, seconds=after.wait, lost=after.lost)
        elif after.worked and not before.worked:
            log.info("credential works", accounts=names)
