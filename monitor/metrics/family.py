"""The series of targets, accounts and endpoints: which there are, and their values in a snapshot."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from monitor.model import threshold
from monitor.state import Row, Snapshot

Labels = tuple[tuple[str, str], ...]  # sorted by name
Sample = tuple[Labels, float]


class Family(NamedTuple):
    """A metric: `name` without the `_total` of a counter."""

    name: str
    kind: str  # gauge or counter
    help: str
    samples: Callable[[Snapshot], Iterable[Sample]]


def _labels(row: Row) -> Labels:
    return (("account", row.target.account), ("rfc", row.target.rfc))


def _of_reading(attribute: str) -> Callable[[Snapshot], Iterator[Sample]]:
    def samples(snapshot: Snapshot) -> Iterator[Sample]:
        for row in snapshot.rows:
            reading = row.fresh(snapshot.at, snapshot.expire_after)
            value = getattr(reading, attribute, None)
            if value is not None:
                yield _labels(row), value

    return samples


def _of_forecast(attribute: str) -> Callable[[Snapshot], Iterator[Sample]]:
    def samples(snapshot: Snapshot) -> Iterator[Sample]:
        for row in snapshot.rows:
            if row.fresh(snapshot.at, snapshot.expire_after) is not None:
                value = getattr(row.forecast, attribute, None)
                if value is not None:
                    yield _labels(row), value

    return samples


def _of_severity(
    value: Callable[[Row, str], float | None],
) -> Callable[[Snapshot], Iterator[Sample]]:
    def samples(snapshot: Snapshot) -> Iterator[Sample]:
        for row in snapshot.rows:
            for severity in ("critical", "warning"):
                limit = value(row, severity)
                if limit is not None:
                    yield (*_labels(row), ("severity", severity)), limit

    return samples


def _available_limit(row: Row, severity: str) -> float | None:
    limits = getattr(row.target.thresholds, severity)
    contracted = row.reading.contracted if row.reading else None
    return threshold(limits.available, limits.ratio, contracted)


def _time_left_limit(row: Row, severity: str) -> float | None:
    days = getattr(row.target.thresholds, severity).days_left
    return None if days is None else days * 86400


def _expiry(snapshot: Snapshot) -> Iterator[Sample]:
    for row in snapshot.rows:
        if row.target.expires_at is not None:
            yield _labels(row), row.target.expires_at


def _last_success(snapshot: Snapshot) -> Iterator[Sample]:
    for row in snapshot.rows:
        if row.reading is not None:
            yield _labels(row), row.reading.at


def _errors(snapshot: Snapshot) -> Iterator[Sample]:
    for row in snapshot.rows:
        for reason, count in row.errors:
            yield (("account", row.target.account), ("reason", reason), ("rfc", row.target.rfc)), count


def _info(snapshot: Snapshot) -> Iterator[Sample]:
    for row in snapshot.rows:
        target = row.target
        yield (("account", target.account), ("alias", target.alias), ("rfc", target.rfc)), 1


FAMILIES = (
    Family(
        "timbres_contracted", "gauge", "Stamps contracted, as the PAC gave them.", _of_reading("contracted")
    ),
    Family("timbres_used", "gauge", "Stamps used, as the PAC gave them.", _of_reading("used")),
    Family("timbres_available", "gauge", "Stamps left, as the PAC gave them.", _of_reading("available")),
    Family(
        "timbres_consumed",
        "counter",
        "Stamps consumed since first seen, over top-ups, resets and restarts.",
        lambda snapshot: (
            (_labels(row), row.committed) for row in snapshot.rows if row.committed is not None
        ),
    ),
    Family(
        "timbres_available_threshold",
        "gauge",
        "Configured limit of available stamps, in stamps.",
        _of_severity(_available_limit),
    ),
    Family(
        "timbres_time_left_seconds",
        "gauge",
        "Time until the stamps are used up, by forecast.",
        _of_forecast("time_left"),
    ),
    Family(
        "timbres_peak_day",
        "gauge",
        "Largest consumption in any 24 hours of the last 35 days, in stamps.",
        _of_forecast("peak_day"),
    ),
    Family(
        "timbres_time_left_threshold_seconds",
        "gauge",
        "Configured limit of the time left.",
        _of_severity(_time_left_limit),
    ),
    Family("timbres_expiry_timestamp_seconds", "gauge", "When the package expires, as configured.", _expiry),
    Family(
        "timbres_up",
        "gauge",
        "Whether the last poll gave numbers.",
        lambda snapshot: ((_labels(row), float(row.up)) for row in snapshot.rows),
    ),
    Family(
        "timbres_last_success_timestamp_seconds", "gauge", "When the last reading was made.", _last_success
    ),
    Family(
        "timbres_polls",
        "counter",
        "Polls that were sent.",
        lambda snapshot: ((_labels(row), row.polls) for row in snapshot.rows),
    ),
    Family("timbres_poll_errors", "counter", "Turns that gave no numbers, by reason.", _errors),
    Family(
        "timbres_responses",
        "counter",
        "Answers of the PAC by status code, or by what came instead.",
        lambda snapshot: (
            ((("account", account), ("code", code)), count)
            for (account, code), count in snapshot.responses.items()
        ),
    ),
    Family("timbres_rfc_info", "gauge", "The name for people of an RFC.", _info),
    Family(
        "timbres_account_held",
        "gauge",
        "Whether nothing is sent for this account until an operator acts.",
        lambda snapshot: (((("account", a.name),), float(a.hold is not None)) for a in snapshot.accounts),
    ),
    Family(
        "timbres_account_hold_info",
        "gauge",
        "Why the account is held: the PAC's code.",
        lambda snapshot: (
            ((("account", a.name), ("code", a.hold)), 1) for a in snapshot.accounts if a.hold is not None
        ),
    ),
    Family(
        "timbres_account_unproven",
        "gauge",
        "Whether the credential has yet to work in this process.",
        lambda snapshot: (((("account", a.name),), float(a.unproven)) for a in snapshot.accounts),
    ),
    Family(
        "timbres_polls_in_flight",
        "gauge",
        "Calls under way at an endpoint.",
        lambda snapshot: (((("endpoint", e.endpoint),), e.in_flight) for e in snapshot.endpoints),
    ),
    Family(
        "timbres_concurrency_limit",
        "gauge",
        "Calls that an endpoint gets at once, as of now.",
        lambda snapshot: (((("endpoint", e.endpoint),), e.limit) for e in snapshot.endpoints),
    ),
    Family(
        "timbres_state_writable",
        "gauge",
        "Whether the database takes writes.",
        lambda snapshot: [((), float(snapshot.store.writable))],
    ),
    Family(
        "timbres_state_write_errors",
        "counter",
        "Writes that the database did not take.",
        lambda snapshot: [((), snapshot.store.write_errors)],
    ),
    Family(
        "timbres_state_queue",
        "gauge",
        "Targets that wait to be written.",
        lambda snapshot: [((), snapshot.store.queue)],
    ),
)
