"""What needs a person now, in words, the worst first."""

import shlex
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

from monitor.alerts import Level, crossings
from monitor.messages import EXPIRY_DAYS
from monitor.state import Snapshot
from monitor.web.table import KEYS, Judged
from monitor.web.words import DAY, Words

NAMED = 3  # RFCs that are named with a notice
GROUPS = 3  # kinds of failures that are told one by one


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that a person should know. `about`: the most urgent of the RFCs that it is about."""

    severity: str  # critical, warning or note
    text: str
    about: Sequence[Judged] = ()
    more: int = 0  # RFCs that it is about, beside these
    state: str = ""  # in which the table shows them
    account: str = ""  # that is held
    means: str = ""
    command: str = ""  # that releases it


def notices(judged: Sequence[Judged], snapshot: Snapshot, words: Words, config: str) -> list[Notice]:
    """All that hold. `config`: the name of the configuration file, for commands."""
    groups, limits = _grouped(judged, snapshot.at)
    return [
        *_of_stamps(groups, limits, words, "critical"),
        *_of_accounts(judged, snapshot, words, config),
        *_of_store(snapshot, words),
        *_of_stamps(groups, limits, words, "warning"),
        *_of_failures(groups, words),
    ]


Groups = dict[tuple[str, str], list[Judged]]


def _grouped(judged: Sequence[Judged], at: float) -> tuple[Groups, dict[tuple[str, str], float]]:
    """The rows that each notice is about, by severity and kind; and the days that it speaks of."""
    groups: Groups = defaultdict(list)
    limits: dict[tuple[str, str], float] = defaultdict(float)
    for one in judged:
        row = one.row
        if one.level in (Level.CRITICAL, Level.WARNING) and one.reading is not None:
            group = str(one.level), "few_left" if one.level is Level.CRITICAL else "low"
            if one.reading.available == 0:
                group = "critical", "none_left"
            for crossing in crossings(row, one.reading) if one.reading.available else ():
                if crossing.of == "days_left" and crossing.severity == one.level:
                    group = crossing.severity, "runs_out"
                    limits[group] = max(limits[group], crossing.limit)
            groups[group].append(one)
        elif one.reading is not None and one.reading.available < (one.peak_day or 0):
            groups["warning", "peak"].append(one)
        if not one.held:
            if one.failure is not None:
                groups["failing", one.failure.code].append(one)
            elif row.attempted_at is None:
                groups["note", "waiting"].append(one)
            elif one.reading is None or row.failed:
                groups["warning", "stale"].append(one)
        if row.target.expires_at is not None:
            left = row.target.expires_at - at
            for severity in ("critical", "warning"):
                if left <= EXPIRY_DAYS[severity] * DAY:
                    group = (severity, "expires") if left > 0 else ("critical", "expired")
                    limits[group] = EXPIRY_DAYS[severity]
                    groups[group].append(one)
                    break
    return groups, limits


def _of_stamps(
    groups: Groups, limits: dict[tuple[str, str], float], words: Words, severity: str
) -> Iterator[Notice]:
    for kind in ("none_left", "expired", "runs_out", "few_left", "low", "peak", "expires"):
        rows = groups.get((severity, kind))
        if rows:
            days = f"{limits.get((severity, kind), 0.0):g}"
            yield _about(rows, severity, words(kind, n=len(rows), days=days))


def _of_accounts(judged: Sequence[Judged], snapshot: Snapshot, words: Words, config: str) -> Iterator[Notice]:
    held = [account for account in snapshot.accounts if account.hold is not None]
    of_account = Counter(one.row.target.account for one in judged if one.held)
    for account in held:
        code = account.hold or ""
        why = f"{words.code(code)} ({code})" if code.isdecimal() else words.code(code)
        since = words("unknown") if account.held_at is None else words.when(account.held_at)
        yield Notice(
            "critical",
            words("account_held", account=account.name, why=why, since=since),
            account=account.name,
            means=words("held_means", n=of_account[account.name]),
            command=f"timbres-monitor rearm --config {shlex.quote(config)} {shlex.quote(account.name)}",
        )


def _of_store(snapshot: Snapshot, words: Words) -> Iterator[Notice]:
    if not snapshot.store.writable:
        yield Notice("critical", words("not_writable"))


def _of_failures(groups: Groups, words: Words) -> Iterator[Notice]:
    failing = sorted((rows for (kind, _), rows in groups.items() if kind == "failing"), key=len, reverse=True)
    for rows in failing[:GROUPS]:
        assert rows[0].failure is not None  # noqa: S101  # that is how they got there
        why = words.failure(rows[0].failure)
        yield _about(rows, "warning", words("failing", n=len(rows), why=why))
    if rest := [one for rows in failing[GROUPS:] for one in rows]:
        yield _about(rest, "warning", words("failing_otherwise", n=len(rest)))
    for severity, kind in (("warning", "stale"), ("note", "waiting")):
        if rows := groups.get((severity, kind), []):
            yield _about(rows, severity, words(kind, n=len(rows)))


def _about(rows: Sequence[Judged], severity: str, text: str, **rest: Any) -> Notice:
    states = {str(one.level) for one in rows}
    state = states.pop() if len(states) == 1 else ""
    first = nsmallest(NAMED, rows, key=KEYS["urgency"])
    return Notice(severity, text, first, len(rows) - len(first), state, **rest)
