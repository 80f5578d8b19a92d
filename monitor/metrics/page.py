"""The monitor's own metrics, and the whole page of `/metrics`."""

import platform
import struct
import zlib
from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from monitor.metrics.block import Piece
from monitor.metrics.exposition import Exposition
from monitor.state import Snapshot

disable_created_metrics()  # type: ignore[no-untyped-call]  # they would double the number of histogram series

POLL_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0)
LAG_BUCKETS = (0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)


class Metrics:
    """The monitor's own metrics, and the whole page of `/metrics`."""

    def __init__(self, version: str) -> None:
        self._exposition = Exposition()
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
        self._sent = Counter(
            "timbres_notifications_sent",
            "Alerts that an Alertmanager took from the direct sender.",
            ["alertmanager"],
            registry=self._registry,
        )
        self._failed = Counter(
            "timbres_notifications_failed",
            "Alerts that an Alertmanager did not take.",
            ["alertmanager"],
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

    def observe_notifications(self, alertmanager: str, alerts: int, taken: bool) -> None:
        """One post of the direct sender."""
        (self._sent if taken else self._failed).labels(alertmanager).inc(alerts)

    def observe_reload(self, at: float, *, successful: bool) -> None:
        """The configuration was read; `at` is in epoch seconds."""
        self._reload_ok.set(successful)
        if successful:
            self._reload_at.set(at)

    def page(self, snapshot: Snapshot, *, as_openmetrics: bool, compressed: bool) -> list[bytes]:
        """The body of an answer, in parts. Takes long with many targets: not on the event loop, and one
        at a time.
        """
        own = openmetrics.generate_latest if as_openmetrics else generate_latest
        pieces = [
            *self._exposition.pieces(snapshot, as_openmetrics=as_openmetrics),
            Piece(own(self._registry)),
        ]
        return gzipped(pieces) if compressed else [piece.text for piece in pieces]

    @staticmethod
    def probe(snapshot: Snapshot, *, as_openmetrics: bool) -> bytes:
        """The series of a snapshot alone."""
        pieces = Exposition().pieces(snapshot, as_openmetrics=as_openmetrics)
        return b"".join(piece.text for piece in pieces) + (b"# EOF\n" if as_openmetrics else b"")

    @staticmethod
    def content_type(*, as_openmetrics: bool) -> str:
        return openmetrics.CONTENT_TYPE_LATEST if as_openmetrics else CONTENT_TYPE_PLAIN_0_0_4


def gzipped(pieces: Iterable[Piece]) -> list[bytes]:
    """One gzip member (RFC 1952) of pieces that were compressed one by one."""
    parts, check, size = [_GZIP], 0, 0
    for piece in pieces:
        parts.append(piece.packed)
        check = zlib.crc32(piece.text, check)
        size += len(piece.text)
    parts.append(_LAST + struct.pack("<LL", check, size % 2**32))
    return parts


_GZIP = b"\x1f\x8b\x08" + bytes(6) + b"\xff"  # deflate, no name, no time, any system
_LAST = b"\x03\x00"  # the block that says it is the last, and is empty
