"""The latest of each target, and what is counted of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.config import Target
from monitor.model import (
    AccountStatus,
    EndpointStatus,
    Failure,
    Key,
    Outcome,
    Reading,
    Reason,
)


@dataclass(frozen=True, slots=True)
class Row:
    """All that is known of one target. Never changes: an outcome makes a new one."""

    target: Target
    reading: Reading | None = None  # the last one
    last: Outcome | None = None
    polls: int = 0  # that were sent
    errors: tuple[tuple[Reason, int], ...] = ()

    @property
    def up(self) -> bool:
        """The last turn gave numbers."""
        return isinstance(self.last, Reading)

    def fresh(self, at: float, expire_after: float) -> Reading | None:
        """The last reading unless it is older than `expire_after` seconds."""
        reading = self.reading
        return reading if reading is not None and at - reading.at < expire_after else None

    def then(self, outcome: Outcome) -> "Row":
        """The row after one more outcome."""
        if isinstance(outcome, Failure):
            errors = dict(self.errors)
            errors[outcome.reason] = errors.get(outcome.reason, 0) + 1
            polls = self.polls + (outcome.reason is not Reason.HELD)
            return Row(self.target, self.reading, outcome, polls, tuple(sorted(errors.items())))
        if outcome.contracted is None and self.reading is not None:
            # 630 and 631 say only that nothing is left: the rest keeps its last value.
            outcome = replace(outcome, contracted=self.reading.contracted, used=self.reading.used)
        return Row(self.target, outcome, outcome, self.polls + 1, self.errors)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that is shown, as of `at` (epoch seconds). Safe to read in another thread."""

    at: float
    expire_after: float
    rows: Sequence[Row]
    responses: Mapping[tuple[str, str], int]  # by account and code
    accounts: Sequence[AccountStatus]
    endpoints: Sequence[EndpointStatus]


class State:
    """The rows of all configured targets, in the order of the configuration."""

    def __init__(self) -> None:
        self._rows: dict[Key, Row] = {}
        self._responses: dict[tuple[str, str], int] = {}

    def apply(self, targets: Iterable[Target], accounts: Iterable[str]) -> None:
        """Take over a configuration: what stays keeps its readings and counters."""
        before, names = self._rows, set(accounts)
        self._rows = {
            target.key: replace(before[target.key], target=target) if target.key in before else Row(target)
            for target in targets
        }
        self._responses = {key: n for key, n in self._responses.items() if key[0] in names}

    def record(self, target: Target, outcome: Outcome) -> tuple[Row, Row] | None:
        """Count and keep an outcome: the row before and after, `None` if no longer configured."""
        before = self._rows.get(target.key)
        if before is None:
            return None
        self._rows[target.key] = after = before.then(outcome)
        if not (isinstance(outcome, Failure) and outcome.reason is Reason.HELD):
            answer = (target.account, outcome.code)
            self._responses[answer] = self._responses.get(answer, 0) + 1
        return before, after

    def rows(self) -> list[Row]:
        return list(self._rows.values())

    def responses(self) -> dict[tuple[str, str], int]:
        return dict(self._responses)
