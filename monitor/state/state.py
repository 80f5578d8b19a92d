"""The latest of each target, and what is counted of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor.config import Target
from monitor.forecast import Forecast
from monitor.model import (
    RETIRED,
    AccountStatus,
    EndpointStatus,
    Failure,
    Foreseen,
    Kept,
    Key,
    Outcome,
    Reading,
    Reason,
    StoreStatus,
)


@dataclass(frozen=True, slots=True)
class Row:
    """All that is known of one target. Never changes: an outcome makes a new one."""

    target: Target
    reading: Reading | None = None  # the last one
    last: Outcome | None = None
    polls: int = 0  # that were sent
    errors: tuple[tuple[Reason, int], ...] = ()
    attempted_at: float | None = None  # the last poll that was sent, epoch seconds
    consumed: int | None = None  # stamps since first seen
    committed: int | None = None  # the same, as far as it is on the disk: no crash makes it fall
    forecast: Forecast | None = None  # made at most hourly
    foreseen_at: float | None = None  # when, epoch seconds
    daily: Sequence[int] = ()  # stamps a day as of then, its own day last; see `forecast.daily`

    @property
    def up(self) -> bool:
        """The last turn gave numbers."""
        return isinstance(self.last, Reading)

    @property
    def failed(self) -> bool:
        """The last turn gave none, be it of this process or of the one before."""
        if isinstance(self.last, Failure):
            return True
        return self.attempted_at is not None and (
            self.reading is None or self.reading.at != self.attempted_at
        )

    def fresh(self, at: float, expire_after: float) -> Reading | None:
        """The last reading unless it is older than `expire_after` seconds."""
        reading = self.reading
        return reading if reading is not None and at - reading.at < expire_after else None

    def then(self, outcome: Outcome) -> "Row":
        """The row after one more outcome."""
        if isinstance(outcome, Failure):
            errors = dict(self.errors)
            errors[outcome.reason] = errors.get(outcome.reason, 0) + 1
            counted = tuple(sorted(errors.items()))
            if outcome.reason is not Reason.HELD:
                return replace(
                    self, last=outcome, errors=counted, polls=self.polls + 1, attempted_at=outcome.at
                )
            # A reload in the middle of a turn says nothing about the target.
            return replace(self, last=self.last if outcome.code == RETIRED else outcome, errors=counted)
        before = self.reading
        if outcome.contracted is None and before is not None:
            # 630 and 631 say only that nothing is left: the rest keeps its last value.
            outcome = replace(outcome, contracted=before.contracted, used=before.used)
        consumed = self.consumed or 0
        if before is not None and before.used is not None and outcome.used is not None:
            consumed += max(0, outcome.used - before.used)  # a fall only sets a new base
        return Row(
            self.target,
            outcome,
            outcome,
            self.polls + 1,
            self.errors,
            outcome.at,
            consumed,
            self.committed,
            self.forecast,
            self.foreseen_at,
            self.daily,
        )

    def kept(self) -> Kept | None:
        """What outlives us of it, if it was ever asked."""
        if self.attempted_at is None:
            return None
        foreseen = None
        if self.forecast is not None and self.foreseen_at is not None:
            foreseen = Foreseen(self.foreseen_at, self.forecast.time_left, self.forecast.peak_day)
        return Kept(self.attempted_at, self.reading, self.consumed, foreseen)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that is shown, as of `at` (epoch seconds). Safe to read in another thread."""

    at: float
    expire_after: float
    rows: Sequence[Row]
    responses: Mapping[tuple[str, str], int]  # by account and code
    accounts: Sequence[AccountStatus]
    endpoints: Sequence[EndpointStatus]
    store: StoreStatus = field(default_factory=StoreStatus)


class State:
    """The rows of all configured targets, in the order of the configuration."""

    def __init__(self) -> None:
        self._rows: dict[Key, Row] = {}
        self._attic: dict[Key, Kept] = {}  # of targets that are not configured now
        self._dirty: dict[Key, None] = {}  # in the order of their outcomes
        self._taken: dict[Key, None] = {}  # the same, while they are being stored
        self._responses: dict[tuple[str, str], int] = {}

    def restore(self, kept: Mapping[Key, Kept]) -> None:
        """What was stored is back, with its old times."""
        self._attic.update(kept)
        self._rows = {key: self._known(row) for key, row in self._rows.items()}

    def apply(self, targets: Iterable[Target], accounts: Iterable[str], moved: Collection[str] = ()) -> None:
        """Take over a configuration: what stays keeps its readings and counters.

        `moved`: accounts that are asked at another endpoint now. Their old readings say nothing about
        it: testing numbers must not stand for production, nor the difference be consumption.
        """
        before, names = self._rows, set(accounts)
        self._rows = {}
        for target in targets:
            row = before.pop(target.key, None)
            row = self._known(Row(target)) if row is None else replace(row, target=target)
            if target.account in moved:
                row = replace(row, reading=None, forecast=None, foreseen_at=None, daily=())
            self._rows[target.key] = row
        for key, row in before.items():
            if (kept := row.kept()) is not None:
                self._attic[key] = kept
        self._responses = {key: n for key, n in self._responses.items() if key[0] in names}

    def record(self, target: Target, outcome: Outcome) -> tuple[Row, Row] | None:
        """Count and keep an outcome: the row before and after, `None` if no longer configured."""
        before = self._rows.get(target.key)
        if before is None:
            return None
        self._rows[target.key] = after = before.then(outcome)
        if after.attempted_at != before.attempted_at or after.reading is not before.reading:
            self._dirty[target.key] = None
        if not (isinstance(outcome, Failure) and outcome.reason is Reason.HELD):
            answer = (target.account, outcome.code)
            self._responses[answer] = self._responses.get(answer, 0) + 1
        return before, after

    def take_dirty(self) -> dict[Key, Kept]:
        """What has changed since the last call and is to be stored."""
        self._taken, self._dirty = self._dirty, {}
        every = ((key, self._kept(key)) for key in self._taken)
        return {key: kept for key, kept in every if kept is not None}

    def put_back(self, keys: Iterable[Key]) -> None:
        """They could not be stored: the next `take_dirty` has them again."""
        self._dirty = dict.fromkeys(keys) | self._dirty
        self._taken = {}

    def commit(self, kept: Mapping[Key, Kept]) -> None:
        """They are on the disk: from now on their consumption may be shown."""
        self._taken = {}
        for key, stored in kept.items():
            row = self._rows.get(key)
            if row is not None and stored.consumed != row.committed:
                self._rows[key] = replace(row, committed=stored.consumed)

    def foresee(self, key: Key, forecast: Forecast, daily: Sequence[int], at: float) -> None:
        """Keep what was forecast of a target at a time (epoch seconds), and its last days."""
        row = self._rows.get(key)
        if row is not None:
            self._rows[key] = replace(row, forecast=forecast, daily=daily, foreseen_at=at)
            self._dirty[key] = None

    @property
    def queue(self) -> int:
        """Targets that wait to be stored."""
        return len(self._dirty.keys() | self._taken.keys())

    def row(self, key: Key) -> Row | None:
        """All that is known of one target; `None` if it is not configured."""
        return self._rows.get(key)

    def rows(self) -> list[Row]:
        return list(self._rows.values())

    def responses(self) -> dict[tuple[str, str], int]:
        return dict(self._responses)

    def _kept(self, key: Key) -> Kept | None:
        row = self._rows.get(key)
        return self._attic.get(key) if row is None else row.kept()

    def _known(self, row: Row) -> Row:
        """The row with what is stored of it, unless it has learned something of its own."""
        kept = self._attic.pop(row.target.key, None)
        if kept is None or row.attempted_at is not None:
            return row
        consumed = (kept.consumed or 0) if kept.reading is not None else None
        foreseen = kept.foreseen
        return replace(
            row,
            reading=kept.reading,
            attempted_at=kept.attempted_at,
            consumed=consumed,
            committed=None if row.target.key in self._dirty or row.target.key in self._taken else consumed,
            forecast=None if foreseen is None else Forecast(foreseen.time_left, foreseen.peak_day),
            foreseen_at=None if foreseen is None else foreseen.at,
        )
