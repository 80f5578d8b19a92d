"""Whether what is asked for can be served: calls at once, as Little's law has it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from monitor.config.account import Resolved
from monitor.config.document import Document
from monitor.config.schema import ToldFile
from monitor.config.target import Target
from monitor.config.value import spoken

EXPECTED = 0.3  # seconds that the PAC takes to answer


def judge(document: Document, file: ToldFile, accounts: Sequence[Resolved]) -> None:
    """Warn where RFCs × expected time / interval exceeds the calls allowed, or numbers would expire."""
    credentials = defaultdict(list)
    endpoints = defaultdict(list)
    for resolved in accounts:
        if resolved.account is not None:
            credentials[resolved.account.credential].append(resolved)
            endpoints[resolved.account.place].append(resolved)
    for sharing in credentials.values():
        # Accounts with one credential share a gate and the smallest of their limits.
        least = min(sharing, key=lambda resolved: resolved.told.max_in_flight)
        words = _overload(_targets(sharing), least.told.max_in_flight)
        if words is not None:
            document.warn((*least.path, "max_in_flight"), f"account {least.told.name}: {words}")
    for sharing in endpoints.values():
        words = _overload(_targets(sharing), file.poll.max_in_flight)
        if words is not None:
            document.warn(("poll", "max_in_flight"), f"endpoint {sharing[0].told.endpoint}: {words}")
    longest = max((target.interval for target in _targets(accounts)), default=0)
    if (expire_after := file.poll.expire_after) < longest:
        words = f"{spoken(expire_after)} is shorter than an interval of {spoken(longest)}"
        document.warn(("poll", "expire_after"), f"expire_after: {words}: numbers would come and go")


def _targets(accounts: Iterable[Resolved]) -> Iterable[Target]:
    return (target for resolved in accounts for target in resolved.targets)


def _overload(targets: Iterable[Target], most: int) -> str | None:
    """The arithmetic, if the targets need more than `most` calls at once."""
    intervals = [target.interval for target in targets]
    needed = sum(EXPECTED / interval for interval in intervals)
    if needed <= most:
        return None
    shortest, longest = spoken(min(intervals)), spoken(max(intervals))
    every = shortest if shortest == longest else f"{shortest} to {longest}"
    return (
        f"{len(intervals):,} RFCs × {EXPECTED} s every {every} need {needed:,.1f} calls at once, "
        f"but max_in_flight is {most}: raise it or the interval"
    )
