"""History fades with age: every change, then the last of each hour, then of each day, then nothing.

`consumed` at the end of every hour and day that is kept stays what it was. Hours and days are
those of UTC. Done in small transactions, because everything else waits in line for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, exists, select, tuple_

from monitor.model import Key
from monitor.store.rows import load_mark, put_mark
from monitor.store.schema import history, target

HOUR, DAY = 3600, 86400

#: Seconds for which every change is kept, and for which the last of each hour is.
CHANGES, HOURS = 8 * DAY, 40 * DAY

#: How much is done in one transaction: targets looked through, rows removed, targets removed.
_TARGETS, _ROWS, _GONE = 500, 4000, 20


@dataclass(frozen=True, slots=True)
class Fading:
    """Before `horizon` (epoch seconds) only the last row of each `bucket` (seconds) stays.

    Without a bucket only the last of all rows does. How far this came is stored under `name`.
    """

    name: str
    horizon: int
    bucket: int | None


def fadings(now: float, retention: float) -> Sequence[Fading]:
    """What is due at `now`: whole hours and days only, so that nothing is done twice."""
    return (
        Fading("gone", int((now - retention) // HOUR * HOUR), None),
        Fading("days", int((now - HOURS) // DAY * DAY), DAY),
        Fading("hours", int((now - CHANGES) // HOUR * HOUR), HOUR),
    )


def done(connection: Connection, fading: Fading) -> float:
    """How far it came already (epoch seconds). Beyond the horizon if the clock was ahead once."""
    return load_mark(connection, fading.name) or 0.0


def part(connection: Connection, after: int) -> Sequence[int]:
    """The numbers of some targets from number `after` on, ascending."""
    return (
        connection.execute(
            select(target.c.id).where(target.c.id >= after).order_by(target.c.id).limit(_TARGETS)
        )
        .scalars()
        .all()
    )


def fade(connection: Connection, fading: Fading, since: float, numbers: Sequence[int]) -> bool:
    """Remove some rows of the targets `numbers`. `True`: there may be more."""
    row, later = history.alias("fading"), history.alias("later")
    newer = select(later.c.at).where(later.c.target_id == row.c.target_id, later.c.at > row.c.at)
    doomed = select(row.c.target_id, row.c.at).where(
        # One by one, not as a range: of each target only the rows in question are looked at.
        row.c.target_id.in_(numbers),
        row.c.at < fading.horizon,
    )
    if fading.bucket is not None:
        newer = newer.where(later.c.at < (row.c.at // fading.bucket + 1) * fading.bucket)
        doomed = doomed.where(row.c.at >= int(since))
    removed = connection.execute(
        delete(history).where(
            tuple_(history.c.target_id, history.c.at).in_(doomed.where(exists(newer)).limit(_ROWS))
        )
    )
    return removed.rowcount == _ROWS


def finish(connection: Connection, fading: Fading) -> None:
    """Remember that this is done."""
    put_mark(connection, fading.name, float(fading.horizon))


def unattended(connection: Connection, before: float) -> dict[int, Key]:
    """Some targets that were last attempted `before` (epoch seconds), by number."""
    columns = target.c
    found = connection.execute(
        select(columns.account, columns.rfc, columns.id).where(columns.attempted_at < before).limit(_GONE)
    )
    return {number: (account, rfc) for account, rfc, number in found}


def forget(connection: Connection, numbers: Sequence[int]) -> None:
    """Remove targets with their history."""
    connection.execute(delete(history).where(history.c.target_id.in_(numbers)))
    connection.execute(delete(target).where(target.c.id.in_(numbers)))
