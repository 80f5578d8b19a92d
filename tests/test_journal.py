"""The last polls of a target, and its failures for longer."""

from monitor.journal import FAILURES, POLLS, Journal, Journals, Poll
from monitor.model import Failure, Key, Outcome, Reading, Reason

NORTE, SUR = ("norte", "EKU9003173C9"), ("sur", "H&E951128469")


def reading(at: float, code: str = "200") -> Reading:
    return Reading(at, 1000, 40, 960, code)


def failure(at: float, reason: Reason = Reason.UNAVAILABLE, code: str = "500") -> Failure:
    return Failure(at, reason, code, "said the PAC", sent=reason is not Reason.HELD)


def journal(*outcomes: Outcome, key: Key = NORTE) -> Journal:
    journals = Journals()
    for outcome in outcomes:
        journals.record(key, outcome)
    return journals.of(key)


def test_before_the_first_poll_a_journal_is_empty() -> None:
    assert Journals().of(NORTE) == Journal()


def test_the_last_polls_are_told_with_their_outcomes_the_newest_first() -> None:
    found = journal(reading(1.5), failure(2.5), reading(3.5, "631"))
    assert found.polls == (
        Poll(3.5, "631", None),
        Poll(2.5, "500", Reason.UNAVAILABLE),
        Poll(1.5, "200", None),
    )
    assert found.failures == (failure(2.5),)


def test_so_many_polls_are_kept_and_no_more() -> None:
    found = journal(*(reading(float(n)) for n in range(50)))
    assert [poll.at for poll in found.polls] == [float(n) for n in range(49, 49 - POLLS, -1)]


def test_failures_outlast_the_polls_after_them() -> None:
    failures = [failure(float(n), code=f"http_{500 + n}") for n in range(2 * FAILURES)]
    found = journal(*failures, *(reading(100.0 + n) for n in range(POLLS)))
    assert all(poll.reason is None for poll in found.polls)
    assert list(found.failures) == failures[: FAILURES - 1 : -1]


def test_a_turn_that_was_held_pushes_nothing_out() -> None:
    held = [failure(10.0 + n, Reason.HELD, "601") for n in range(50)]
    assert journal(failure(1.0), reading(2.0), *held) == journal(failure(1.0), reading(2.0))


def test_what_is_no_longer_configured_is_forgotten_and_the_others_are_not() -> None:
    journals = Journals()
    for key in (NORTE, SUR):
        journals.record(key, failure(1.0))
    journals.forget([NORTE])
    assert journals.of(NORTE) == Journal()
    assert journals.of(SUR) == journal(failure(1.0), key=SUR)
