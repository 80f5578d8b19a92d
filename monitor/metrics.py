"""Exposition of a snapshot, and the monitor's own metrics.

The series of targets are written by hand: `Gauge` objects would have to be kept in step with the
configuration, and cost 75 times as much. The text is what prometheus-client would print.
"""

import gzip
import platform
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.utils import floatToGoString

from monitor.model import threshold
from monitor.state import Row, Snapshot

disable_created_metrics()  # type: ignore[no-untyped-call]  # they would double the number of histogram series

Labels = tuple[tuple[str, str], ...]  # sorted by name
Sample = tuple[Labels, float]

POLL_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0)
LAG_BUCKETS = (0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)


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


def exposition(snapshot: Snapshot, *, as_openmetrics: bool) -> str:
    """The series of a snapshot as text, without OpenMetrics' final `# EOF`."""
    lines = []
    for family in FAMILIES:
        sample_name = f"{family.name}_total" if family.kind == "counter" else family.name
        name = family.name if as_openmetrics else sample_name
        lines.append(f"# HELP {name} {family.help}\n# TYPE {name} {family.kind}\n")
        for labels, value in family.samples(snapshot):
            text = ",".join(f'{label}="{_escape(word)}"' for label, word in labels)
            number = floatToGoString(value)  # type: ignore[no-untyped-call]
            lines.append(f"{sample_name}{{{text}}} {number}\n" if text else f"{sample_name} {number}\n")
    return "".join(lines)


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


class Metrics:
    """The monitor's own metrics, and the whole page of `/metrics`."""

    def __init__(self, version: str) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self._duration = Histogram(
            "timbres_poll_duration_seconds",
            "Duration of one poll, waiting excluded.",
            buckets=POLL_BUCKETS,
            registry=self._registry,
        )
        self._lag = Histogram(
            "timbres_schedule_lag_seconds",
            "How late polls start.",
            buckets=LAG_BUCKETS,
            registry=self._registry,
        )
        self._reload_ok = Gauge(
            "timbres_config_last_reload_successful",
            "Whether the last reload of the configuration was successful.",
            registry=self._registry,
        )
        self._reload_at = Gauge(
            "timbres_config_last_reload_success_timestamp_seconds",
            "When the configuration was last reloaded successfully.",
            registry=self._registry,
        )
        build = Gauge(
            "timbres_build_info",
            "The version that runs.",
            ["version", "python"],
            registry=self._registry,
        )
        build.labels(version, platform.python_version()).set(1)

    def observe_poll(self, lag: float, duration: float) -> None:
        """One call: how late it started and how long it took, in seconds."""
        self._lag.observe(lag)
        self._duration.observe(duration)

    def observe_reload(self, at: float, *, successful: bool) -> None:
        """The configuration was read; `at` is in epoch seconds."""
        self._reload_ok.set(successful)
        if successful:
            self._reload_at.set(at)

    def page(self, snapshot: Snapshot, *, as_openmetrics: bool, compressed: bool) -> bytes:
        """The body of an answer. Takes long with many targets: not on the event loop."""
        own = openmetrics.generate_latest if as_openmetrics else generate_latest
        # `replace`: one lone surrogate must not kill the whole scrape.
        text = exposition(snapshot, as_openmetrics=as_openmetrics).encode(errors="replace")
        page: bytes = text + own(self._registry)
        return gzip.compress(page, compresslevel=1, mtime=0) if compressed else page

    @staticmethod
    def probe(snapshot: Snapshot, *, as_openmetrics: bool) -> bytes:
        """The series of a snapshot alone."""
        text = exposition(snapshot, as_openmetrics=as_openmetrics)
        return (text + "# EOF\n" if as_openmetrics else text).encode(errors="replace")

    @staticmethod
    def content_type(*, as_openmetrics: bool) -> str:
        return openmetrics.CONTENT_TYPE_LATEST if as_openmetrics else CONTENT_TYPE_PLAIN_0_0_4
