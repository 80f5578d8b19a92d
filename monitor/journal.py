"""The last polls of each target since the start, and its last failures. In memory only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from struct import Struct

from monitor.model import Failure, Key, Outcome, Reason

#: So many polls, and so many failures, are kept of a target.
POLLS = FAILURES = 8

#: The code of an answer, and why it gave no numbers (`None`: it gave some).
Answer = tuple[str, Reason | None]

_POLL = Struct("<dH")  # when it ended (epoch seconds), and the number of its answer


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
        self._polls: dict[Key, bytes] = {}  # packed, oldest first: objects would be three times as large
        self._failures: dict[Key, tuple[Failure, ...]] = {}
        self._answers: dict[Answer, int] = {}  # each with its number; there are some hundred at most

    def record(self, key: Key, outcome: Outcome) -> None:
        """Keep what came of a turn."""
        reason: Reason | None = None
        if isinstance(outcome, Failure):
            if not outcome.sent:
                return
            reason = outcome.reason
            self._failures[key] = (*self._failures.get(key, ())[1 - FAILURES :], outcome)
        answer = self._answers.setdefault((outcome.code, reason), len(self._answers))
        before = self._polls.get(key, b"")[_POLL.size * (1 - POLLS) :]
        self._polls[key] = before + _POLL.pack(outcome.at, answer)

    def forget(self, keys: Iterable[Key]) -> None:
        """These targets are configured no more."""
        for key in keys:
            self._polls.pop(key, None)
            self._failures.pop(key, None)

    def of(self, key: Key) -> Journal:
        """The journal of a target; an empty one if it was not asked yet."""
        answers = list(self._answers)
        polls = [Poll(at, *answers[answer]) for at, answer in _POLL.iter_unpack(self._polls.get(key, b""))]
        return Journal(tuple(polls[::-1]), self._failures.get(key, ())[::-1])
