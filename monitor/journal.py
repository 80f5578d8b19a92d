"""The last polls of each target since the start, and its last failures. In memory only."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.model import Failure, Key, Outcome, Reason

#: So many polls, and so many failures, are kept of a target.
POLLS = FAILURES = 8

#: The code of an answer, and why it gave no numbers (`None`: it gave some).
Answer = tuple[str, Reason | None]


@dataclass(frozen=True, slots=True)
class Poll:
    """One poll that was sent. `at` in epoch seconds; `reason` is `None` if it gave numbers."""

    at: float
    code: str
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Journal:
    """The last polls of a target and its last failures, newest first, since the monitor was started.

    Failures stay when later polls have pushed them out of `polls`. A turn that was held was not
    sent, and is in neither.
    """

    polls: Sequence[Poll] = ()
    failures: Sequence[Failure] = ()


class Journals:
    """The journals of all targets, small enough for 100,000."""

    def __init__(self) -> None:
        # Flat, oldest first: time, answer, time, answer … Tuples of such are no work for the garbage
        # collector, and equal answers are one object among all targets.
        self._polls: dict[Key, tuple[Any, ...]] = {}
        self._failures: dict[Key, tuple[Failure, ...]] = {}
        self._answers: dict[Answer, Answer] = {}

    def record(self, key: Key, outcome: Outcome) -> None:
        """Keep what came of a turn."""
        reason: Reason | None = None
        if isinstance(outcome, Failure):
            if outcome.reason is Reason.HELD:
                return
            reason = outcome.reason
            self._failures[key] = (*self._failures.get(key, ())[1 - FAILURES :], outcome)
        answer: Answer = (sys.intern(outcome.code), reason)
        answer = self._answers.setdefault(answer, answer)
        self._polls[key] = (*self._polls.get(key, ())[2 - 2 * POLLS :], outcome.at, answer)

    def keep(self, keys: Iterable[Key]) -> None:
        """Forget all other targets."""
        gone = self._polls.keys() - keys
        for key in gone:
            del self._polls[key]
            self._failures.pop(key, None)

    def of(self, key: Key) -> Journal:
        """The journal of a target; an empty one if it was not asked yet."""
        flat = self._polls.get(key, ())
        polls = tuple(Poll(at, *answer) for at, answer in zip(flat[-2::-2], flat[::-2], strict=True))
        return Journal(polls, self._failures.get(key, ())[::-1])
