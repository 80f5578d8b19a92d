"""The alerts that hold as of a snapshot: the same names, labels and texts as prometheus/rules.yaml.

Pure functions of what is known and `now`. As there, what was last known of stamps stays when it is
older than `expire_after`: that nobody can read them any more is no reason to say "resolved".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from monitor import messages
from monitor.alerts.level import DAY, SEVERITIES, crossings
from monitor.messages import Message
from monitor.state import Row, Snapshot

HOUR = 3600.0
PATIENCE = 15 * 60.0  # seconds that a target may be without its first reading


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: `labels` say which, `annotations` what."""

    labels: tuple[tuple[str, str], ...]  # sorted by name
    annotations: dict[str, str]


def firing(snapshot: Snapshot, since: float) -> Iterator[Alert]:
    """Every alert that holds. `since`: when the monitor was started, epoch seconds."""
    for status in snapshot.accounts:
        if status.hold is not None:
            yield _alert(messages.ACCOUNT_HELD, {"account": status.name}, code=status.hold)
    for row in snapshot.rows:
        yield from _of_stamps(row)
        yield from _of_expiry(row, snapshot.at)
        yield from _of_age(row, snapshot.at, since)


def _of_stamps(row: Row) -> Iterator[Alert]:
    reading, forecast = row.reading, row.forecast
    if reading is None:
        return
    available = f"{reading.available}"
    if reading.available == 0:
        yield _of_target(messages.EXHAUSTED, row)
    for severity, of, value, limit in crossings(row, reading):
        if of == "available":
            yield _of_target(messages.LOW, row, severity, available=available, limit=f"{limit:.0f}")
        else:
            yield _of_target(messages.WILL_RUN_OUT, row, severity, days=f"{value:.1f}", limit=f"{limit:g}")
    if forecast is not None and forecast.peak_day is not None and reading.available < forecast.peak_day:
        peak = f"{forecast.peak_day}"
        yield _of_target(messages.PEAK_DOES_NOT_FIT, row, available=available, peak=peak)


def _of_expiry(row: Row, at: float) -> Iterator[Alert]:
    expires_at = row.target.expires_at
    if expires_at is None:
        return
    days = (expires_at - at) / DAY
    # Half a day before the end of the last day it is that day in any zone of the Americas.
    date = datetime.fromtimestamp(expires_at - DAY / 2, UTC).date().isoformat()
    for severity in SEVERITIES:
        if days <= messages.EXPIRY_DAYS[severity]:
            yield _of_target(messages.PACKAGE_EXPIRES, row, severity, date=date, days=f"{days:.1f}")


def _of_age(row: Row, at: float, since: float) -> Iterator[Alert]:
    if row.reading is None:
        if at - since > PATIENCE:
            yield _of_target(messages.NO_DATA, row, since="never", since_es="nunca")
        return
    hours = (at - row.reading.at) / HOUR
    if hours > (messages.NO_TURN_HOURS if row.up else messages.NO_DATA_HOURS):
        words = {"since": f"{hours:.1f} h ago", "since_es": f"hace {hours:.1f} h"}
        yield _of_target(messages.NO_DATA, row, **words)


def _of_target(message: Message, row: Row, severity: str | None = None, **values: str) -> Alert:
    target = row.target
    labels = {"account": target.account, "rfc": target.rfc}
    return _alert(message, labels, severity, who=messages.who(target.rfc, target.alias), **values)


def _alert(message: Message, labels: dict[str, str], severity: str | None = None, **values: str) -> Alert:
    every = {"alertname": message.name, "severity": severity or message.severity or "", **labels}
    return Alert(tuple(sorted(every.items())), message.annotations(**labels, **values))
