"""Rows out of values and values out of rows. Every function works within the caller's transaction."""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field, replace
from itertools import islice
from operator import attrgetter

from sqlalchemy import BindParameter, Connection, bindparam, delete, func, insert, select, update

from monitor.model import Forecast, Kept, Key, Reading, Refusal, Standing
from monitor.store.schema import credential, history, meta, request, target
from monitor.store.upsert import Upsert

#: Targets handled in one go: if all rows of 100,000 are made first, the garbage collector sees
#: them, looks through the whole process, and every thread waits for it.
_SLICE = 250

_POLLED = "polled"  # the name of a row of `meta`
_READING = ("at", "contracted", "used", "available", "code")
_FORECAST = ("foreseen_at", "time_left", "peak_day")
_VALUES = ("place", "attempted_at", *_READING, "consumed", *_FORECAST)
_NO_READING, _NO_FORECAST = (None,) * len(_READING), (None,) * len(_FORECAST)
_of_reading = attrgetter(*_READING)
_CHANGE = ("contracted", "used", "available", "consumed")

_PUT_TARGET = Upsert(target, *_VALUES)
_PUT_CHANGE = Upsert(history, *_CHANGE)  # of two changes within a second the later counts

_mine = history.c.target_id == bindparam("number")
_since: BindParameter[float] = bindparam("since")
_before = select(func.max(history.c.at)).where(_mine, history.c.at <= _since).scalar_subquery()
#: Made once: a forecast reads the history of its target, and to make it anew takes longer than to run it.
_HISTORY = (
    select(history.c.at, *(history.c[name] for name in _CHANGE))
    .where(_mine, history.c.at >= func.coalesce(_before, _since))
    .order_by(history.c.at)
)


@dataclass(frozen=True, slots=True)
class Polled:
    """How an account is polled: the fingerprint of its credential, and the endpoint."""

    fingerprint: str
    place: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was stored: of each target, and of each credential by fingerprint.

    `written_at`: when readings were last written (epoch seconds), `None` if never. `polled`: the
    accounts that whoever polls has loaded.
    """

    kept: dict[Key, Kept]
    standings: dict[str, Standing]
    written_at: float | None = None
    polled: dict[str, Polled] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Point:
    """A change of a target's numbers. `at` in whole seconds since the epoch, the rest in stamps."""

    at: float
    contracted: int | None
    used: int | None
    available: int
    consumed: int


def load(connection: Connection) -> Loaded:
    """Everything but history and requests."""
    kept, _ = load_targets(connection, {})
    standings, written_at = load_standings(connection), load_mark(connection, "written_at")
    return Loaded(kept, standings, written_at, load_polled(connection))


def load_targets(connection: Connection, known: Mapping[Key, Key]) -> tuple[dict[Key, Kept], dict[Key, int]]:
    """Every target as it was asked last, and its number in the database. Keys that are `known` already take
    no memory again.
    """
    kept: dict[Key, Kept] = {}
    numbers: dict[Key, int] = {}
    columns = [target.c[name] for name in ("id", "account", "rfc", *_VALUES)]
    for part in connection.execute(select(*columns)).partitions(_SLICE):
        for number, account, rfc, *values in part:
            key = sys.intern(account), rfc
            key = known.get(key, key)
            now = _kept(*values)
            if key not in kept or kept[key].attempted_at < now.attempted_at:
                kept[key], numbers[key] = now, number
    return kept, numbers


def last_number(connection: Connection) -> int:
    """The highest number of a target, at whichever endpoint it was asked; 0 if there is none."""
    return connection.execute(select(func.max(target.c.id))).scalar() or 0


def put_targets(
    connection: Connection,
    numbers: Mapping[Key, int],
    stored: Mapping[Key, Kept],
    kept: Mapping[Key, Kept],
    following: int,
) -> dict[Key, int]:
    """Store the latest of each target, and a row of history for those whose numbers changed.

    `numbers` and `stored` are what the database holds. New targets, and those that are asked at another
    endpoint than before, are numbered from `following` on; returns their numbers.
    """
    added: dict[Key, int] = {}
    items = iter(kept.items())
    while part := list(islice(items, _SLICE)):
        latest: list[tuple[object, ...]] = []
        changes: list[tuple[object, ...]] = []
        for key, now in part:
            number, before = numbers.get(key), stored.get(key)
            if before is not None and before.place != now.place:
                number, before = _found_again(connection, key, now), None
            if number is None:
                number = following
                following += 1
            if number != numbers.get(key):
                added[key] = number
            latest.append((number, *key, *_values(now)))
            # What was stored last is also the last row of history: nothing has to be read.
            if now.reading is not None and (before is None or _change(before) != _change(now)):
                changes.append((number, math.floor(now.reading.at), *_change(now)))
        _PUT_TARGET.run(connection, latest)
        _PUT_CHANGE.run(connection, changes)
    return added


def put_places(connection: Connection, places: Mapping[int, str]) -> None:
    """Store the endpoint of targets, by their numbers."""
    there = update(target).where(target.c.id == bindparam("number")).values(place=bindparam("endpoint"))
    connection.execute(there, [{"number": number, "endpoint": place} for number, place in places.items()])


def _found_again(connection: Connection, key: Key, now: Kept) -> int | None:
    """The number of a target at the endpoint that it is asked at now, if it was asked there once. Its history
    is lifted to what was consumed meanwhile: the counter goes on, and the steps within stay what they were.
    """
    where = [target.c.account == key[0], target.c.rfc == key[1], target.c.place == now.place]
    found = connection.execute(select(target.c.id, target.c.consumed).where(*where)).one_or_none()
    if found is None:
        return None
    lift = (now.consumed or 0) - (found.consumed or 0)
    lifted = update(history).where(history.c.target_id == found.id)
    connection.execute(lifted.values(consumed=history.c.consumed + lift))
    return int(found.id)


def _kept(  # in the order of `_VALUES`
    place: str,
    attempted_at: float,
    at: float | None,
    contracted: int | None,
    used: int | None,
    available: int,
    code: str,
    consumed: int | None,
    foreseen_at: float | None,
    time_left: float | None,
    peak_day: int | None,
) -> Kept:
    if at == attempted_at:
        attempted_at = at  # one number, not two that are equal: 3 MB for 100,000
    reading = None if at is None else Reading(at, contracted, used, available, sys.intern(code))
    forecast = None if foreseen_at is None else Forecast(foreseen_at, time_left, peak_day)
    return Kept(attempted_at, reading, consumed, forecast, sys.intern(place))


def _values(kept: Kept) -> tuple[object, ...]:
    reading, forecast = kept.reading, kept.forecast
    return (
        kept.place,
        kept.attempted_at,
        *(_NO_READING if reading is None else _of_reading(reading)),
        kept.consumed,
        *(_NO_FORECAST if forecast is None else (forecast.at, forecast.time_left, forecast.peak_day)),
    )


def _change(kept: Kept) -> tuple[int | None, ...]:
    reading = kept.reading
    if reading is None:
        return ()
    return reading.contracted, reading.used, reading.available, kept.consumed or 0


def load_standings(connection: Connection) -> dict[str, Standing]:
    """Every credential."""
    names = ("fingerprint", "worked", "hold", "lost", "wait", "intent", "at", "rfc", "text", "refusals")
    found = connection.execute(select(*(credential.c[name] for name in names)))
    return {
        fingerprint: replace(Standing(*rest), refusals=tuple(Refusal(**one) for one in json.loads(refusals)))
        for fingerprint, *rest, refusals in found
    }


def put_standing(connection: Connection, fingerprint: str, standing: Standing) -> None:
    """Store what is known of a credential."""
    values = asdict(standing) | {"refusals": json.dumps([asdict(one) for one in standing.refusals])}
    there = update(credential).where(credential.c.fingerprint == fingerprint).values(values)
    if not connection.execute(there).rowcount:
        connection.execute(insert(credential).values(fingerprint=fingerprint, **values))


def load_polled(connection: Connection) -> dict[str, Polled]:
    """The accounts that whoever polls has loaded."""
    value = connection.execute(select(meta.c.value).where(meta.c.name == _POLLED)).scalar()
    return {name: Polled(*told) for name, told in json.loads(value or "{}").items()}


def put_polled(connection: Connection, polled: Mapping[str, Polled]) -> None:
    """Store what `load_polled` tells."""
    _put_meta(connection, _POLLED, json.dumps({name: astuple(told) for name, told in polled.items()}))


def load_mark(connection: Connection, name: str) -> float | None:
    """The number stored under a name, `None` if there is none."""
    value = connection.execute(select(meta.c.value).where(meta.c.name == name)).scalar()
    return None if value is None else float(value)


def put_mark(connection: Connection, name: str, value: float) -> None:
    """Store a number under a name."""
    _put_meta(connection, name, repr(value))


def _put_meta(connection: Connection, name: str, value: str) -> None:
    there = update(meta).where(meta.c.name == name).values(value=value)
    if not connection.execute(there).rowcount:
        connection.execute(insert(meta).values(name=name, value=value))


def load_history(connection: Connection, number: int, since: float) -> list[Point]:
    """The changes of a target from `since` on, in order of time, beginning with the one that held then."""
    rows = connection.execute(_HISTORY, {"number": number, "since": since}).all()
    return [Point(*row) for row in rows]


def load_requests(connection: Connection) -> list[tuple[int, str, float]]:
    """Requests to re-arm: number, account and when they were made (epoch seconds), in order."""
    rows = connection.execute(select(request.c.id, request.c.account, request.c.at).order_by(request.c.id))
    return [(number, account, at) for number, account, at in rows]


def put_requests(connection: Connection, accounts: Sequence[str], at: float) -> list[int]:
    """Ask for accounts to be re-armed: the numbers of the requests."""
    asked = insert(request).returning(request.c.id)
    return [connection.execute(asked.values(account=account, at=at)).scalar_one() for account in accounts]


def remove_requests(connection: Connection, numbers: Sequence[int]) -> int:
    """Remove requests: how many of them were still there."""
    return connection.execute(delete(request).where(request.c.id.in_(numbers))).rowcount if numbers else 0
