"""The page of one RFC."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import sqrt

from monitor.config import Config
from monitor.config.target import Limits
from monitor.forecast import Habits
from monitor.journal import Journal
from monitor.model import Key
from monitor.state import Snapshot
from monitor.store import Point
from monitor.web import chart, past
from monitor.web.frame import Frame
from monitor.web.line import line
from monitor.web.notices import notices
from monitor.web.table import Judged, judge
from monitor.web.words import DAY, Words

#: How far back the charts may reach, in days.
RANGES = (35, 90, 365)

#: A name, what there is to say, and a time (epoch seconds) if it is about one.
Fact = tuple[str, str, float | None]


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known of a target beyond its row. `due`: its next poll, epoch seconds."""

    points: Sequence[Point]
    habits: Habits | None
    journal: Journal
    due: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A poll in words. `failed` is "" if it gave numbers."""

    at: float
    failed: str
    said: str


def of_one(snapshot: Snapshot, key: Key) -> Snapshot | None:
    """The part of a snapshot that is about one target; `None` if there is no such target."""
    rows = [row for row in snapshot.rows if row.target.key == key]
    accounts = [account for account in snapshot.accounts if account.name == key[0]]
    return replace(snapshot, rows=rows, accounts=accounts) if rows else None


def issuer(
    snapshot: Snapshot, config: Config, learned: Learned, days: int, words: Words, frame: Frame
) -> bytes:
    """The page as of a snapshot that has this target only. `days`: how far back its charts go."""
    (one,), zone = judge(snapshot), config.timezone
    available = past.history(one, learned.points, days, snapshot.at, zone)
    used = past.consumption(learned.points, days, snapshot.at, zone)
    polls, earlier = answers(learned.journal, words)
    return frame.render(
        "rfc.html",
        words,
        line=line(one, words),
        notices=[(notice, (), "") for notice in notices([one], snapshot, words, config.path.name)],
        facts=list(facts(one, learned.due, words)),
        days=days,
        ranges=RANGES,
        history=available,
        history_says=""
        if available is None
        else words(
            "history_says",
            days=days,
            least=available.least,
            most=available.most,
            n=len(available.top_ups),
        ),
        used=used,
        used_says=words("days_say", total=used.total, days=days, most=used.most),
        plot={
            "width": chart.WIDTH,
            "height": chart.HEIGHT,
            "left": chart.LEFT,
            "right": chart.WIDTH - chart.RIGHT,
            "top": chart.TOP,
            "foot": chart.HEIGHT - chart.BOTTOM,
        },
        forecast=outlook(one, words),
        expected=[(words.weekday(day), round(stamps)) for day, stamps in enumerate(learned.habits.weekdays)]
        if learned.habits
        else [],
        beyond=list(beyond(learned.habits, words)) if learned.habits else [],
        polls=polls,
        earlier=earlier,
    )


def missing(key: Key, words: Words, frame: Frame) -> bytes:
    """The page of what is not configured."""
    return frame.render("missing.html", words, account=key[0], rfc=key[1])


def facts(one: Judged, due: float | None, words: Words) -> Iterator[Fact]:
    """What there is to know of it now, beside the stamps that are available."""
    row, target, left = one.row, one.row.target, one.time_left
    if one.reading is not None and one.reading.used is not None:
        yield words("used"), words.number(one.reading.used), None
    if left is not None:
        days = words.days(left)
        if left <= 365 * DAY and row.forecast is not None:
            days = words("until", days=days, date=words.date(row.forecast.at + left))
        yield words("days"), days, None
    if one.reading is not None and one.peak_day is not None:
        yield words("peak_day"), words.number(one.peak_day), None
    if row.reading is None:
        yield words("read"), words("never_read"), None
    else:
        yield words("read"), f"{words.ago(row.reading.at)},", row.reading.at
    if one.held or one.refusal is not None:
        yield words("next_poll"), words("due_held" if one.held else "due_aside"), None
    elif due is None:
        yield words("next_poll"), words("polling"), None
    else:
        soon = due - words.at < 1
        told = words("due_now") if soon else words("due_in", span=words.span(due - words.at))
        yield words("next_poll"), told, due
    yield words("interval"), words.span(target.interval), None
    for severity, each in (("warning", target.thresholds.warning), ("critical", target.thresholds.critical)):
        yield words(f"threshold_{severity}"), conditions(each, words), None
    if target.expires_at is not None:
        # The second before the end is of the last day.
        yield words("expires_on"), words.date(target.expires_at - 1), None


def conditions(limits: Limits, words: Words) -> str:
    """The conditions of a severity; any one is enough."""
    told = []
    if limits.available is not None:
        told.append(words("limit_available", n=limits.available))
    if limits.ratio is not None:
        told.append(words("limit_ratio", percent=100 * limits.ratio))
    if limits.days_left is not None:
        told.append(words("limit_days", n=limits.days_left))
    return words("limit_or").join(told) or words("limit_none")


def outlook(one: Judged, words: Words) -> str:
    """What the forecast says, as a sentence; "" if there is none."""
    left, forecast = one.time_left, one.row.forecast
    if one.reading is None or left is None or forecast is None:
        return ""
    available = one.reading.available
    if left > 365 * DAY:
        return words("forecast_long", available=available)
    return words(
        "forecast_says", available=available, days=words.days(left), date=words.date(forecast.at + left)
    )


def beyond(habits: Habits, words: Words) -> Iterator[str]:
    """What a forecast expects beyond ordinary days, and what it keeps back."""
    for name, rush in habits.busy.items():
        if stamps := round(rush.stamps):
            yield words(f"busy_{name}", n=stamps)
    if round(habits.seen):
        yield words("busy_seen", n=round(habits.seen))
    usual = sum(habits.weekdays) / len(habits.weekdays)
    yield words("chance", n=round(sqrt(habits.spread * usual)))


def answers(journal: Journal, words: Words) -> tuple[list[Answer], list[Answer]]:
    """The last polls, and the failures before them that are still known; the newest first."""
    failures = {failure.at: failure for failure in journal.failures}
    polls = []
    for poll in journal.polls:
        failure = failures.pop(poll.at, None) if poll.reason is not None else None
        if failure is not None:
            polls.append(Answer(poll.at, words.failure(failure), words.said(failure)))
        else:
            polls.append(Answer(poll.at, "" if poll.reason is None else words.code(poll.code), ""))
    earlier = [Answer(one.at, words.failure(one), words.said(one)) for one in failures.values()]
    return polls, earlier
