"""What needs a person now, in words, the worst first."""

import os
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

from monitor.alerts import Level, crossings
from monitor.messages import EXPIRY_DAYS
from monitor.model import AccountStatus, Refusal
from monitor.state import Snapshot
from monitor.web.table import KEYS, Judged
from monitor.web.words import DAY, Words

NAMED = 3  # RFCs that are named with a notice
GROUPS = 3  # kinds of failures that are told one by one


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that a person should know. `about`: the most urgent of the RFCs that it is about."""

    severity: str  # critical, warning or note
    kind: str
    text: str
    about: Sequence[Judged] = ()
    more: int = 0  # RFCs that it is about, beside these
    state: str = ""  # in which the table shows them
    means: str = ""
    steps: Sequence[str] = ()  # of what a person does about it
    command: str = ""  # of the last step


def notices(judged: Sequence[Judged], snapshot: Snapshot, words: Words, config: str) -> list[Notice]:
    """All that hold. `config`: the name of the configuration file, for commands."""
    groups, limits = _grouped(judged, snapshot)
    about = About(words, alone=len(judged) == 1)
    return [
        *_of_stamps(groups, limits, about, "critical"),
        *_of_accounts(judged, snapshot, words, config),
        *_of_store(snapshot, words),
        *_of_stamps(groups, limits, about, "warning"),
        *_of_failures(groups, about, words),
    ]


Groups = dict[tuple[str, str], list[Judged]]


def _grouped(judged: Sequence[Judged], snapshot: Snapshot) -> tuple[Groups, dict[tuple[str, str], float]]:
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
        if not one.held and one.refusal is None:  # those are told with their account
            failure = one.failure
            if failure is not None and (failure.sent or not one.is_waiting):
                groups["failing", failure.code].append(one)
            elif row.attempted_at is None:
                groups["note", "waiting"].append(one)
            elif not one.is_waiting and (one.reading is None or row.failed):
                groups["warning", "no_numbers" if row.failed else "stale"].append(one)
        if row.target.expires_at is not None:
            left = row.target.expires_at - snapshot.at
            for severity in ("critical", "warning"):
                if left <= EXPIRY_DAYS[severity] * DAY:
                    group = (severity, "expires") if left > 0 else ("critical", "expired")
                    limits[group] = EXPIRY_DAYS[severity]
                    groups[group].append(one)
                    break
    return groups, limits


def _of_stamps(
    groups: Groups, limits: dict[tuple[str, str], float], about: "About", severity: str
) -> Iterator[Notice]:
    for kind in ("none_left", "expired", "runs_out", "few_left", "low", "peak", "expires"):
        rows = groups.get((severity, kind))
        if rows:
            days = f"{limits.get((severity, kind), 0.0):g}"
            yield about(rows, severity, kind, days=days)


def _of_accounts(judged: Sequence[Judged], snapshot: Snapshot, words: Words, config: str) -> Iterator[Notice]:
    held = [account for account in snapshot.accounts if account.hold is not None]
    of_account = Counter(one.row.target.account for one in judged if one.held)
    for account in held:
        code = account.hold or ""
        why = f"{words.code(code)} ({code})" if code.isdecimal() else words.code(code)
        since = words("unknown") if account.held_at is None else words.when(account.held_at)
        yield Notice(
            "critical",
            "account_held",
            words("account_held", account=account.name, why=why, since=since),
            means=f"{words('held_means', n=of_account[account.name])} {_answer(account, words)}".strip(),
            steps=(words.hold_advice(code), words("how_reload", pid=str(os.getpid())), words("how_release")),
            command=_rearm(config, account),
        )
    for account in snapshot.accounts:
        if account.set_aside:
            n, rfcs = len(account.set_aside), ", ".join(one.rfc for one in account.set_aside[:NAMED])
            yield Notice(
                "warning",
                "set_aside",
                words("set_aside", n=n, account=account.name, rfcs=rfcs),
                means=f"{words('set_aside_means', n=n)} {_answers(account.set_aside, words)}",
                steps=(words("how_set_aside"),),
                command=_rearm(config, account),
            )
        elif account.released_at is not None:
            when = words.when(account.released_at)
            yield Notice(
                "note", "account_released", words("account_released", account=account.name, when=when)
            )
        elif account.hold is None and account.unproven and account.text:
            when = words.when(account.next_call) if account.next_call is not None else ""
            yield Notice(
                "warning",
                "account_unproven",
                words("account_doubtful" if account.worked else "account_unproven", account=account.name)
                + words("next_call" if when else "next_call_now", when=when),
                means=f"{_answer(account, words)} {words(_rule(account))}",
                steps=(words("how_unproven"), words("how_at_once")),
                command=_rearm(config, account),
            )


def _rule(account: AccountStatus) -> str:
    """What follows for an account of which it is not known that it works."""
    if account.worked:
        return "doubtful_means"
    return "lost_means" if account.lost else "unproven_means"


def _answers(refusals: Sequence[Refusal], words: Words) -> str:
    """What the PAC said of them, once."""
    return " ".join(
        dict.fromkeys(words("its_answer", text=words.answer(one.text)) for one in refusals[:NAMED])
    )


def _answer(account: AccountStatus, words: Words) -> str:
    return words("last_answer", rfc=account.rfc, text=words.answer(account.text)) if account.text else ""


def _rearm(config: str, account: AccountStatus) -> str:
    return f"timbres-monitor rearm --config {shlex.quote(config)} {shlex.quote(account.name)}"


def _of_store(snapshot: Snapshot, words: Words) -> Iterator[Notice]:
    if not snapshot.store.writable:
        yield Notice("critical", "not_writable", words("not_writable"))


def _of_failures(groups: Groups, about: "About", words: Words) -> Iterator[Notice]:
    failing = sorted((rows for (kind, _), rows in groups.items() if kind == "failing"), key=len, reverse=True)
    for rows in failing[:GROUPS]:
        assert rows[0].failure is not None  # noqa: S101  # that is how they got there
        why = words.failure(rows[0].failure)
        yield about(rows, "warning", "failing", why=why)
    if rest := [one for rows in failing[GROUPS:] for one in rows]:
        yield about(rest, "warning", "failing_otherwise")
    for severity, kind in (("warning", "no_numbers"), ("warning", "stale"), ("note", "waiting")):
        if rows := groups.get((severity, kind), []):
            yield about(rows, severity, kind)


class About:
    """Makes notices of rows. Where there is one row only, everybody knows which."""

    def __init__(self, words: Words, alone: bool) -> None:
        self._words = words
        self._alone = alone

    def __call__(self, rows: Sequence[Judged], severity: str, kind: str, **values: Any) -> Notice:
        n = len(rows)
        rfcs = self._words("this_rfc") if self._alone else self._words("rfcs", n=n)
        text = self._words(kind, n=n, rfcs=rfcs, **values)
        states = {str(one.level) for one in rows}
        first = nsmallest(NAMED, rows, key=KEYS["urgency"])
        return Notice(
            severity,
            kind,
            text[0].upper() + text[1:],
            first,
            n - len(first),
            states.pop() if len(states) == 1 else "",
        )
