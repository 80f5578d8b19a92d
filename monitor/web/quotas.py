"""The data of `/api/v1/quotas`: times in epoch seconds, quantities in stamps, `null` for the unknown."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from typing import Any

from monitor.journal import Journal
from monitor.model import Failure, Key, threshold
from monitor.state import Snapshot
from monitor.store import Point
from monitor.web.past import top_ups
from monitor.web.table import Judged, judge

DAY = 86400.0

#: RFCs in a part of the answer: the C encoder lets no other thread run while it is at one.
_PART = 100

#: Points of history in one answer, about; of more, only the last in each of so many equal spans.
POINTS = 5000

#: When the next poll of a target comes (epoch seconds).
Due = Callable[[Key], float | None]


def quotas(snapshot: Snapshot, due: Due) -> Sequence[bytes]:
    """All targets in the order of the configuration, and their accounts; the body in parts."""
    return list(_quotas(snapshot, due))


def quota(snapshot: Snapshot, key: Key, due: Due, journal: Journal) -> bytes | None:
    """One target with its last days and polls; `None` if it is not in the snapshot."""
    rows = [row for row in snapshot.rows if row.target.key == key]
    if not rows:
        return None
    (found,) = judge(replace(snapshot, rows=rows))
    more = {
        "daily": list(found.row.daily),
        "polls": [{"at": poll.at, "code": poll.code, "reason": poll.reason} for poll in journal.polls],
        "failures": [_failure(failure) for failure in journal.failures],
    }
    return _json({"at": snapshot.at, **_quota(found, snapshot.at, due), **more})


def history(key: Key, points: Sequence[Point], at: float, since: float, until: float) -> bytes:
    """The numbers of a target from one time to another, and what was bought in between."""
    shown = [point for point in points if point.at <= until]
    # What there was at `since` is told by the last point before, and no top-up of that time.
    bought = [{"at": when, "stamps": stamps} for when, stamps in top_ups(shown) if when >= since]
    step = None
    if len(shown) > POINTS:
        step = math.ceil((shown[-1].at - max(since, shown[0].at)) / POINTS)
        shown = [one for one, later in pairwise(shown) if one.at // step != later.at // step] + shown[-1:]
    told = {"at": at, "account": key[0], "rfc": key[1], "since": since, "until": until, "step": step}
    return _json({**told, "top_ups": bought[-POINTS:], "points": [_point(point) for point in shown]})


def _quotas(snapshot: Snapshot, due: Due) -> Iterator[bytes]:
    accounts = [account.document() for account in snapshot.accounts]
    yield _json({"at": snapshot.at, "accounts": accounts})[:-1] + b', "quotas": ['
    rows, separator = iter(judge(snapshot)), b""
    while part := [_quota(one, snapshot.at, due) for one in islice(rows, _PART)]:
        yield separator + _json(part)[1:-1]
        separator = b", "
    yield b"]}"


def _quota(one: Judged, at: float, due: Due) -> dict[str, Any]:
    """One target. Numbers older than `expire_after` are not shown, as in the metrics."""
    row, fresh = one.row, one.reading
    target, reading, left = row.target, row.reading, one.time_left
    contracted = reading.contracted if reading else None
    limits = target.thresholds
    return {
        "account": target.account,
        "rfc": target.rfc,
        "alias": target.alias,
        "level": one.level,
        "contracted": fresh and fresh.contracted,
        "used": fresh and fresh.used,
        "available": fresh and fresh.available,
        "thresholds": {
            "warning": threshold(limits.warning.available, limits.warning.ratio, contracted),
            "critical": threshold(limits.critical.available, limits.critical.ratio, contracted),
        },
        "days_left": None if left is None else round(left / DAY, 2),
        "days_left_thresholds": {
            "warning": limits.warning.days_left,
            "critical": limits.critical.days_left,
        },
        "peak_day": fresh and one.peak_day,
        "forecast_at": row.forecast and row.forecast.at,
        "expires_at": target.expires_at,
        "up": row.up,
        "held": one.held,
        "last_success": reading and reading.at,
        "age": None if reading is None else round(max(0.0, at - reading.at), 3),
        "next_poll": due(target.key),
        "last_error": None if one.failure is None else _failure(one.failure),
    }


def _failure(failure: Failure) -> dict[str, Any]:
    return {"at": failure.at, "reason": failure.reason, "code": failure.code, "text": failure.text}


def _point(point: Point) -> dict[str, Any]:
    return {
        "at": point.at,
        "contracted": point.contracted,
        "used": point.used,
        "available": point.available,
        "consumed": point.consumed,
    }


def _json(value: object) -> bytes:
    # `replace`: what the PAC said may hold half a character, which no JSON can.
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode(errors="replace")
