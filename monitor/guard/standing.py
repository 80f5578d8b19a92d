"""What each answer makes of the standing of a credential: a pure function."""

from dataclasses import dataclass, replace

from monitor.model import Standing, Verdict

WORKS = Standing(worked=True)
UNVERIFIED = "unverified"  # the code of a hold for verdicts that were lost


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds; each doubles up to `most`."""

    lost: float = 5 * 60.0  # after lost verdicts
    forbidden: float = 15 * 60.0  # after HTTP 401, 403, 407 to a credential that has worked
    most: float = 6 * 3600.0


def judged(standing: Standing, verdict: Verdict, code: str, at: float, waits: Waits) -> Standing:
    """The standing of a credential after one more answer. The intent, if any, is closed by it."""
    if verdict is Verdict.PROVES and standing.hold is None:
        return WORKS
    after = replace(standing, intent=False)
    if verdict is Verdict.PROVES:
        # A good answer that comes late does not undo a hold: only a person does.
        return replace(after, worked=True)
    if verdict is Verdict.REFUSES or (verdict is Verdict.FORBIDDEN and not standing.worked):
        return after if standing.hold else replace(after, hold=code, held_at=at)
    if verdict is Verdict.FORBIDDEN:
        # It has worked, so this may be a firewall's page: wait, hold nobody.
        return replace(after, wait=min(max(waits.forbidden, 2 * standing.wait), waits.most))
    if verdict is Verdict.LOST:
        after = replace(after, lost=standing.lost + 1)
        if not standing.worked and after.lost >= 2:
            return replace(after, hold=UNVERIFIED, held_at=at)
        if not standing.worked or after.lost >= 3:
            return replace(after, wait=min(max(waits.lost, 2 * standing.wait), waits.most))
        return after
    # One call a wait, as long as no verdict has come; what was not sent was no call.
    keeps_waiting = verdict is Verdict.NOT_SENT or (standing.worked and standing.lost >= 3)
    return after if keeps_waiting else replace(after, wait=0.0)
