"""All that is known of one target, and of everything, as of a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor.config import Target
from monitor.model import (
    NO_STATE,
    RETIRED,
    AccountStatus,
    EndpointStatus,
    Failure,
    Forecast,
    Kept,
    Outcome,
    Reading,
    Reason,
    StoreStatus,
)
from monitor.value import value

#: Turns that were not used for reasons of our own are no trouble of the target's.
_OF_OURS = (RETIRED, NO_STATE)


@value(frozen=True, slots=True)
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
    daily: Sequence[int] = ()  # stamps a day as of the forecast, its own day last; see `forecast.daily`
    place: str = ""  # the endpoint that it is asked at

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
            if outcome.code not in _OF_OURS:
                errors[outcome.reason] = errors.get(outcome.reason, 0) + 1
            counted = tuple(sorted(errors.items()))
            if outcome.sent:
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
            self.daily,
            self.place,
        )

    def kept(self) -> Kept | None:
        """What outlives us of it, if it was ever asked."""
        if self.attempted_at is None:
            return None
        return Kept(self.attempted_at, self.reading, self.consumed, self.forecast, self.place)

    def at_place(self, place: str) -> "Row":
        """The row of a target that is asked at another endpoint now. What the old one told says nothing
        about it: testing numbers must not stand for production, nor the difference be consumption.
        """
        return Row(
            self.target,
            polls=self.polls,
            errors=self.errors,
            consumed=self.consumed,
            committed=self.committed,
            place=place,
        )


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
