"""What each answer makes of the standing of a credential: a pure function."""

from dataclasses import dataclass, replace

from monitor.model import Refusal, Standing, Verdict

WORKS = Standing(worked=True)
UNVERIFIED = "unverified"  # the code of a hold for verdicts that were lost


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds; each doubles, `answered` up to `answered_most` and the others up to `most`."""

    answered: float = 30.0  # of an unproven credential, after anything that does not prove it
    answered_most: float = 15 * 60.0
    lost: float = 5 * 60.0  # after lost verdicts
    forbidden: float = 15 * 60.0  # after HTTP 401, 403, 407 to a credential that has worked
    most: float = 6 * 3600.0

    def after_answer(self, wait: float) -> float:
        return min(max(self.answered, 2 * wait), self.answered_most)

    def after_loss(self, wait: float) -> float:
        return min(max(self.lost, 2 * wait), self.most)

    def after_closed_door(self, wait: float) -> float:
        return min(max(self.forbidden, 2 * wait), self.most)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one call: `at` in epoch seconds, for which RFC, and what it says of the credential."""

    verdict: Verdict
    code: str
    at: float
    rfc: str = ""
    text: str = ""


def judged(standing: Standing, answer: Answer, waits: Waits, *, proven: bool) -> Standing:
    """The standing of a credential after one more answer. The intent, if any, is closed by it.

    `proven`: it has worked in this process, and nothing has put that in doubt since.
    """
    before, verdict = replace(standing, intent=""), answer.verdict
    if verdict is Verdict.NOT_SENT:
        return before  # what was not sent was no call
    if verdict is Verdict.PROVES:
        if standing.hold is not None:
            # A good answer that comes late does not undo a hold: only a person does.
            return replace(before, worked=True)
        refusals = tuple(replace(one, doubted=True) for one in standing.refusals if one.rfc != answer.rfc)
        return Standing(worked=True, refusals=refusals) if refusals else WORKS
    if standing.hold is not None:
        return before  # the first word counts
    if verdict is Verdict.NOTHING and proven:
        return replace(before, wait=0.0)
    after = replace(before, at=answer.at, rfc=answer.rfc, text=answer.text)
    match verdict:
        case Verdict.REFUSES:
            return _refused(after, answer, waits)
        case Verdict.FORBIDDEN:
            if standing.worked:  # so this may be a firewall's page: wait, hold nobody
                return replace(after, wait=waits.after_closed_door(standing.wait))
            return replace(after, hold=answer.code)
        case Verdict.LOST | Verdict.UNREADABLE:
            return _lost(after, waits, proven=proven)
    # Read, and proves nothing. One call a wait, as long as no verdict has come.
    if standing.worked and standing.lost >= 3:
        return after
    return replace(after, wait=waits.after_answer(standing.wait))


def _refused(after: Standing, answer: Answer, waits: Waits) -> Standing:
    """Held, unless the login has worked with another RFC since this one was refused: then it is the
    RFC's fault, which is set aside, and the next call to another one shows it. A second refusal in a
    row is nobody's doubt.
    """
    doubted = any(one.rfc == answer.rfc and one.doubted for one in after.refusals)
    others = tuple(replace(one, doubted=False) for one in after.refusals if one.rfc != answer.rfc)
    refusal = Refusal(answer.rfc, answer.code, answer.text, set_aside=doubted)
    after = replace(after, refusals=(*others, refusal))
    return replace(after, wait=waits.after_answer(0.0)) if doubted else replace(after, hold=answer.code)


def _lost(after: Standing, waits: Waits, *, proven: bool) -> Standing:
    """One more verdict is lost: a credential that has worked is never held for it."""
    after = replace(after, lost=after.lost + 1)
    if not after.worked and after.lost >= 2:
        return replace(after, hold=UNVERIFIED)
    if not after.worked or after.lost >= 3:
        return replace(after, wait=waits.after_loss(after.wait))
    if not proven or after.lost == 2:
        return replace(after, wait=waits.after_answer(after.wait))
    return after


def released(standing: Standing, at: float) -> Standing:
    """After an operator's word, given `at` (epoch seconds): one call is allowed, to another RFC than the one
    that was refused, and what was set aside is asked once more.
    """
    refusals = tuple(replace(one, set_aside=False) for one in standing.refusals)
    return Standing(
        worked=standing.worked, intent=standing.intent, at=at, rfc=standing.rfc, refusals=refusals
    )
