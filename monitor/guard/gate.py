"""The gate of one credential."""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from types import TracebackType

import structlog

from monitor.advice import on_hold
from monitor.config import Account, Way
from monitor.guard.standing import UNVERIFIED, WORKS, Answer, Waits, judged, released
from monitor.model import NO_STATE, RETIRED, AccountStatus, Reason, Refusal, Standing, Verdict
from monitor.pac import PacError
from monitor.places import Places

log = structlog.get_logger()

#: Host and port, username and password: see `Account.credential`.
Credential = tuple[str, str, str]

#: Writes a standing durably: true once it is on the disk.
Remember = Callable[[Credential, Standing], Awaitable[bool]]

FORMERLY = "(before its endpoint, namespace, certificates or proxy were changed)"

RETRY = 30.0  # seconds until the turn comes again of a call that could not be sent for our own reasons


class Held(Exception):
    """Not sent. `retry_after`: seconds until it may be, or `None` while only a person can say."""

    def __init__(
        self, code: str, text: str, retry_after: float | None = None, reason: Reason = Reason.HELD
    ) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.retry_after = retry_after
        self.reason = reason


class Gate:
    """The gate of one credential, shared by everything that uses it.

    ::

        async with gate.turn(rfc):  # a place; the outcome of the block is the verdict
            ...  # whatever else there is to wait for
            gate.check(rfc)
            ...  # connect
            await gate.ready(rfc)
            ...  # send

    All three raise `Held`. No exception proves the credential, a `PacError` says what it says.
    """

    def __init__(
        self,
        credential: Credential,
        remember: Remember,
        waits: Waits,
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self.credential = credential
        self.accounts: tuple[str, ...] = ()  # that have this credential; none: it left the configuration
        self._told: Sequence[Account] = ()  # the accounts that had it last
        self.proven = False
        self.unsaved = False
        self._remember = remember
        self._waits = waits
        self._clock = clock
        self._wall = wall
        self._most = 1
        self._rfcs = 0  # that it is used for, by whichever account
        self._ways: dict[str, Way] = {}  # in which its accounts are asked, also those that have gone
        self._unreached: set[str] = set()  # RFCs that could not be asked since the last answer: no connection
        self._places = Places(1)
        self._wait_until = 0.0
        self.standing = Standing()
        self.shown = self.standing

    def restore(self, standing: Standing, is_unsaved: bool = False) -> None:
        """Begin with what was remembered. An intent found open is a lost verdict. A wait goes on: it counts
        from the last answer by the wall clock, of which there is no other across processes. If that was
        put back it is waited anew, in full.
        """
        now = self._wall()
        if standing.wait and (standing.at is None or standing.at > now):
            # Nobody knows when it began: now, and the next process will know.
            standing, is_unsaved = replace(standing, at=now), True
        self.unsaved = is_unsaved or bool(standing.intent)
        if standing.intent:
            text = "the process ended before the answer came"
            lost = Answer(Verdict.LOST, UNVERIFIED, self._wall(), standing.intent, text)
            standing = judged(standing, lost, self._waits, proven=False)
        self.standing = standing
        self.shown = standing
        if standing.wait and standing.at is not None:
            self._wait_until = self._clock() + standing.wait - (now - standing.at)

    def apply(self, accounts: Sequence[Account], rfcs: int) -> None:
        """These accounts, with so many RFCs, have the credential now; the smallest `max_in_flight` counts."""
        self.accounts = tuple(account.name for account in accounts)
        self._told = accounts or self._told
        self._rfcs = rfcs
        ways = {account.name: account.way for account in accounts}
        if any(self._ways.get(name, way) != way for name, way in ways.items()):
            self._asked_otherwise()
        self._ways |= ways
        self._most = min((account.max_in_flight for account in accounts), default=1)
        if not accounts:
            self.proven = False
            self._places.dismiss()
        self._places.resize(self._most if self.proven else 1)

    @property
    def spellings(self) -> set[Credential]:
        """By which older databases may know it."""
        return {one for account in self._told for one in account.spellings}

    def _asked_otherwise(self) -> None:
        """Somebody has perhaps mended what was read to be wrong, such as the namespace."""
        if not self.standing.lost:
            self._wait_until = 0.0
        text = self.standing.text
        if text and not text.endswith(FORMERLY):
            self.standing = replace(self.standing, text=f"{text} {FORMERLY}")
            self.shown = self.standing
            self.unsaved = True

    def check(self, rfc: str = "") -> None:
        """Raise `Held` unless a call, or one for this RFC, may be sent at this moment."""
        standing = self.standing
        if not self.accounts:
            raise Held(RETIRED, "the credential has left the configuration", 0.0, Reason.WAITING)
        if standing.hold is not None:
            raise Held(standing.hold, why_held(standing.hold, standing.rfc, standing.text))
        if standing.refusals and (refusal := self.set_aside(rfc)) is not None:
            raise Held(refusal.code, aside(refusal), reason=Reason.REJECTED)
        if (left := self._wait_until - self._clock()) > 0:
            raise Held("wait", self._why_it_waits(), left, Reason.WAITING)
        if self.goes_behind(rfc):
            why = "another RFC goes first: the last answer for this one proved nothing"
            raise Held("wait", why, RETRY, Reason.WAITING)

    def kept_back(self, rfc: str) -> float:
        """Seconds until `check` lets a call for this RFC through; infinite while only a person can say."""
        try:
            self.check(rfc)
        except Held as held:
            return math.inf if held.retry_after is None else held.retry_after
        return 0.0

    def set_aside(self, rfc: str) -> Refusal | None:
        """Why this RFC is not asked though the credential works, if that is so."""
        found = (one for one in self.standing.refusals if one.rfc == rfc and one.set_aside)
        return next(found, None)

    def goes_behind(self, rfc: str) -> bool:
        """Whether another RFC goes first, as the last answer for this one did not prove the credential."""
        if self.proven or not rfc or rfc != self.standing.rfc:
            return False
        others = {one.rfc for one in self.standing.refusals if one.set_aside} | self._unreached
        return self._rfcs - len(others - {rfc}) > 1

    @property
    def is_open(self) -> bool:
        """Whether a call for some RFC may be sent now."""
        return bool(self.accounts) and self.standing.hold is None and self._wait_until <= self._clock()

    @property
    def asked(self) -> bool:
        """Whether an answer has come since it was last proven, if it ever was."""
        return bool(self.standing.rfc)

    def turn(self, rfc: str) -> "Turn":
        """One turn of a target."""
        return Turn(self, rfc)

    async def ready(self, rfc: str) -> None:
        """Right before a call is sent. Much may have happened while there was no connection yet.

        That a call of an unproven credential is about to be sent is written down: if we die before its
        verdict, the next process knows that there may have been a login. Not before there is a
        connection: without one nothing is sent, and a death tells of nothing.
        """
        self.check(rfc)
        if self.proven:
            return
        if self.standing.intent:  # it was proven when both of them began to connect
            raise Held("wait", "another RFC goes first: one call at a time", RETRY, Reason.WAITING)
        self.standing = replace(self.standing, intent=rfc)
        if not await self._remember(self.credential, self.standing):
            self.standing = replace(self.standing, intent="")
            why = "the database cannot be written: an unproven credential is not used"
            raise Held(NO_STATE, why, RETRY, Reason.WAITING)
        self.check(rfc)  # the configuration may have changed meanwhile

    async def rearm(self) -> None:
        """An operator's word: whatever held or delayed it is forgotten, and one call is allowed."""
        self.standing = released(self.standing, self._wall())
        self._wait_until = 0.0
        self._unprove()
        log.warning("account released by an operator", accounts=", ".join(self.accounts))
        await self.save()

    async def save(self) -> None:
        """Write what is known, durably; show it when that has been tried."""
        standing = self.standing
        self.unsaved = True  # should we be cancelled in the middle
        self.unsaved = not await self._remember(self.credential, standing)
        self.shown = standing

    def status(self, account: str) -> AccountStatus:
        """What is shown of an account that has this credential."""
        shown, left = self.shown, self._wait_until - self._clock()
        return AccountStatus(
            account,
            shown.hold,
            not self.proven,
            shown.at,
            shown.rfc,
            shown.text,
            self._wall() + left if left > 0 else None,
            tuple(one for one in shown.refusals if one.set_aside),
            shown.worked,
            shown.lost,
        )

    async def enter(self) -> None:
        """Wait for a place."""
        # 1. A closed gate is not waited for; an open one may close while we wait.
        self.check()
        # 2. Whoever waits on after this must `check` again right before sending.
        while not await self._places.take():
            self.check()

    async def leave(self, rfc: str, error: BaseException | None) -> None:
        """Give the place back."""
        # 3. The verdict is known, and on the disk if it changes anything, before the place is given
        #    back and before anybody hears of the outcome.
        try:
            if error is None:
                if not (self.proven and self.standing is WORKS):  # or it is no news
                    await self._judge(Answer(Verdict.PROVES, "200", self._wall(), rfc))
            elif isinstance(error, PacError):
                await self._judge(Answer(error.verdict, error.code, self._wall(), rfc, str(error)))
            elif self.standing.intent:
                # Held between intent and sending; else cancelled or broken: nobody knows.
                verdict = Verdict.NOT_SENT if isinstance(error, Held) else Verdict.LOST
                await self._judge(Answer(verdict, "", self._wall(), rfc, "the call was broken off"))
        finally:
            self._places.give()

    async def _judge(self, answer: Answer) -> None:
        if answer.verdict is Verdict.NOT_SENT:
            self._unreached.add(answer.rfc)
        else:
            self._unreached.clear()
        before, now, was_proven = self.standing, self._clock(), self.proven
        is_waiting = before.wait > 0 and self._wait_until > now
        # Of several calls that were out together the first begins the wait; the others do not double it.
        begun = replace(before, wait=0.0) if is_waiting else before
        after = judged(begun, answer, self._waits, proven=self.proven)
        if is_waiting and answer.verdict is not Verdict.PROVES:
            after = replace(after, wait=max(before.wait, after.wait))
        if after.wait and answer.verdict is not Verdict.NOT_SENT:
            self._wait_until = max(self._wait_until, now + after.wait)
        self.standing = after
        if after.hold is not None or after.wait:
            self._unprove()  # what comes after a wait goes out alone
        elif answer.verdict is Verdict.PROVES:
            self._wait_until = 0.0
            if not self.proven:
                self.proven = True
                self._places.resize(self._most)
        if after.hold or self._wait_until > now:
            self._places.dismiss()  # those who wait are told so, without sending
        if after != before:
            await self.save()
            self._log(before, answer, was_proven=was_proven)

    def _unprove(self) -> None:
        self.proven = False
        self._places.resize(1)

    def _why_it_waits(self) -> str:
        standing = self.standing
        seen = "" if self.proven else "not yet seen to work: "
        last = f"; the last answer: {standing.text}" if standing.text else ""
        return f"{seen}the account waits before its next call{last}"

    def _log(self, before: Standing, answer: Answer, *, was_proven: bool) -> None:
        after = self.standing
        told = {"accounts": ", ".join(self.accounts), "rfc": answer.rfc, "answer": answer.text}
        if after.hold and not before.hold:
            words = "nothing more is sent until user or password are others, or somebody releases it."
            log.error("account held", code=after.hold, text=f"{words} {on_hold(after.hold)[0]}", **told)
        elif (refusal := self.set_aside(answer.rfc)) is not None and after.refusals != before.refusals:
            log.error("RFC set aside", text=aside(refusal), **told)
        elif after.wait and after.wait != before.wait:
            log.warning("account waits", seconds=after.wait, lost=after.lost, **told)
        elif answer.verdict is Verdict.PROVES and not was_proven and (not before.worked or before.at):
            log.info("credential works", accounts=told["accounts"])


class Turn:
    """`async with`: the place of one turn, and its verdict."""

    __slots__ = ("_gate", "_rfc")

    def __init__(self, gate: Gate, rfc: str) -> None:
        self._gate = gate
        self._rfc = rfc

    async def __aenter__(self) -> None:
        await self._gate.enter()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._gate.leave(self._rfc, error)


def why_held(code: str, rfc: str, text: str) -> str:
    """That an account is held, and the answer that did it."""
    return f"the account is held: {code}" + (f"; the answer for {rfc}: {text}" if text else "")


def aside(refusal: Refusal) -> str:
    """Why an RFC that was set aside is not asked, and what to do."""
    return (
        f"the PAC refuses the login for this RFC alone ({refusal.text}): not asked any more;"
        " see that it belongs to this account, then rearm the account"
    )
