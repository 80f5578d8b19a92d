"""Whom an account watches: its list of RFCs, its CSV file and the integrator's pool, as targets."""

from dataclasses import dataclass, field
from functools import lru_cache
from zoneinfo import ZoneInfo

from monitor.config.document import Document, KeyPath
from monitor.config.schema import ToldPool, ToldRfc, ToldThresholds
from monitor.config.table import Table
from monitor.config.target import Limits, Target, Thresholds
from monitor.config.value import end_of
from monitor.model import IMPLEMENTATION
from monitor.rfc import check_digit_ok

FASTEST = 60.0  # seconds; oftener only against a PAC on this machine
TOO_FAST = "interval: must be at least 1m; less is for loopback endpoints only"

_CRITICAL = "critical must not exceed warning"
_DIGIT = "the check digit of this RFC does not fit; is it mistyped?"


def layer(document: Document, path: KeyPath, base: Thresholds, told: ToldThresholds) -> Thresholds:
    """`base` with the thresholds at `path` over it. A contradiction is reported where it arises."""
    thresholds = told.over(base)
    for condition in thresholds.crossed() - base.crossed():
        severity = "critical" if condition in told.critical.model_fields_set else "warning"
        document.fault((*path, severity, condition), f"{condition}: {_CRITICAL}, after merging")
    return _shared(thresholds)


@lru_cache(maxsize=4096)
def _shared(thresholds: Thresholds) -> Thresholds:
    """The first of all that are equal: 100,000 targets have few thresholds between them."""
    return thresholds


@dataclass(slots=True)
class Roster:
    """The targets of one account while they are gathered. `interval` in seconds."""

    document: Document
    account: str
    interval: float
    thresholds: Thresholds
    timezone: ZoneInfo
    loopback: bool
    targets: list[Target] = field(default_factory=list)
    _lines: dict[str, tuple[str, int]] = field(default_factory=dict)

    def add_pool(self, told: ToldPool, path: KeyPath) -> None:
        self._add(told, path, IMPLEMENTATION, "")

    def add_rfc(self, told: ToldRfc, path: KeyPath) -> None:
        place = (*path, "rfc")
        if (first := self._first(told.rfc, self.document.file, self.document.place(place)[0])) is not None:
            self.document.fault(place, first)
            return
        if not check_digit_ok(told.rfc):
            self.document.warn(place, _DIGIT)
        self._add(told, path, told.rfc, told.alias)

    def _add(self, told: ToldPool, path: KeyPath, rfc: str, alias: str) -> None:
        if told.interval is not None and told.interval < FASTEST and not self.loopback:
            self.document.fault((*path, "interval"), TOO_FAST)
        thresholds = layer(self.document, (*path, "thresholds"), self.thresholds, told.thresholds)
        expires_at = end_of(told.expires_on, self.timezone) if told.expires_on is not None else None
        interval = told.interval or self.interval
        self.targets.append(Target(self.account, rfc, alias, interval, thresholds, expires_at))

    def add_table(self, table: Table) -> None:
        """Add the rows of a CSV file; they are many, so each takes the shortest way."""
        faults, warnings = self.document.faults, self.document.warnings
        merged: dict[tuple[int | None, int | None], tuple[Thresholds, bool]] = {}
        for row in table.rows():
            if not row.rfc:
                continue
            if (first := self._first(row.rfc, table.file, row.line)) is not None:
                faults.append(table.fault(row.line, "rfc", first))
                continue
            if not check_digit_ok(row.rfc):
                warnings.append(table.fault(row.line, "rfc", _DIGIT))
            interval = row.interval or self.interval
            if row.interval is not None and interval < FASTEST and not self.loopback:
                faults.append(table.fault(row.line, "interval", TOO_FAST))
            limits = (row.warning, row.critical)
            if limits not in merged:
                merged[limits] = _with_stamps(self.thresholds, *limits)
            thresholds, contradicts = merged[limits]
            if contradicts:
                column = "warning" if row.critical is None else "critical"
                faults.append(table.fault(row.line, column, f"{column}: {_CRITICAL}, after merging"))
            expires_at = end_of(row.expires_on, self.timezone) if row.expires_on is not None else None
            self.targets.append(Target(self.account, row.rfc, row.alias, interval, thresholds, expires_at))

    def _first(self, rfc: str, file: str, line: int) -> str | None:
        """Words for an RFC that the account already has, or None; then it is remembered."""
        first = self._lines.setdefault(rfc, here := (file, line))
        if first is here:
            return None
        where = f"line {first[1]}" if first[0] == file else f"line {first[1]} of {first[0]}"
        return f"duplicate RFC; the first of this account is on {where}"


def _with_stamps(base: Thresholds, warning: int | None, critical: int | None) -> tuple[Thresholds, bool]:
    """`base` with the limits in stamps that a row has, and whether they bring in a contradiction."""

    def over(limits: Limits, available: int | None) -> Limits:
        return limits if available is None else Limits(available, limits.ratio, limits.days_left)

    thresholds = Thresholds(over(base.warning, warning), over(base.critical, critical))
    return _shared(thresholds), bool(thresholds.crossed() - base.crossed())
