"""What is kept from one page to the next, and that nobody can tell."""

import gzip
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import Limits, Target, Thresholds
from monitor.forecast import Forecast
from monitor.metrics import Exposition, Metrics
from monitor.metrics.block import SIZE
from monitor.model import Failure, Reading, Reason, share
from monitor.state import Row, Snapshot

NOW = 1_790_000_000.0
DAY = 86400.0
THRESHOLDS = Thresholds(Limits(50, 0.1, 10.0), Limits(10, None, 3.0))


def row(number: int, available: int = 500, age: float = 60.0) -> Row:
    target = Target("norte", f"EKU{number:06d}3C9", "", 900.0, THRESHOLDS, None)
    reading = Reading(NOW - age, 1000, 1000 - available, available, "200")
    return Row(target, reading, reading, 1, (), reading.at, 7, 7, Forecast(reading.at, DAY, 40))


def polled(count: int) -> list[Row]:
    """So many, in the order in which they are polled."""
    return sorted(map(row, range(count)), key=lambda one: share(one.target.key))


def again(one: Row, available: int) -> Row:
    """The row after one more poll."""
    return one.then(Reading(NOW, 1000, 1000 - available, available, "200"))


def shot(rows: list[Row], at: float = NOW, expire_after: float = DAY) -> Snapshot:
    return Snapshot(at, expire_after, rows, {("norte", "200"): 3}, [], [])


def text(exposition: Exposition, snapshot: Snapshot) -> bytes:
    return b"".join(piece.text for piece in exposition.pieces(snapshot, as_openmetrics=False))


def looked_at(exposition: Exposition, snapshot: Snapshot) -> int:
    """Targets whose text was not simply kept for this page."""
    before = exposition.looked_at
    text(exposition, snapshot)
    return exposition.looked_at - before


def test_the_first_page_looks_at_every_target_and_the_same_again_at_none() -> None:
    exposition, snapshot = Exposition(), shot([row(number) for number in range(3 * SIZE + 1)])
    assert looked_at(exposition, snapshot) == 3 * SIZE + 1
    assert looked_at(exposition, snapshot) == 0
    assert looked_at(exposition, replace(snapshot, at=NOW + 900)) == 0


@pytest.mark.parametrize("changed", [[0], [5, 6, 7], [SIZE, 2 * SIZE]])
def test_only_neighbours_of_what_changed_are_looked_at(changed: list[int]) -> None:
    exposition, rows = Exposition(), polled(4 * SIZE)
    text(exposition, shot(rows))
    for number in changed:
        rows[number] = again(rows[number], 499)
    assert looked_at(exposition, shot([*rows])) == len({number // SIZE for number in changed}) * SIZE


def test_neighbours_are_those_that_are_polled_near_one_another_however_they_are_configured() -> None:
    exposition, rows = Exposition(), polled(4 * SIZE)
    first = {one.target.key for one in rows[:SIZE]}
    rows.sort(key=lambda one: one.target.key)
    text(exposition, shot(rows))
    rows = [again(one, 1) if one.target.key in first else one for one in rows]
    assert looked_at(exposition, shot(rows)) == SIZE


def test_work_grows_with_what_changed_and_not_with_what_there_is() -> None:
    for blocks in (2, 8, 32):
        exposition, rows = Exposition(), polled(blocks * SIZE)
        text(exposition, shot(rows))
        rows[-1] = again(rows[-1], 1)
        assert looked_at(exposition, shot([*rows])) == SIZE


def test_numbers_disappear_when_they_expire_although_nothing_happened() -> None:
    exposition, rows = Exposition(), [row(1, age=60.0), row(2, age=600.0)]
    assert text(exposition, shot(rows)).count(b"\ntimbres_available{") == 2
    for age, left in ((DAY - 600.5, 2), (DAY - 600.0, 1), (DAY - 60.0, 0)):
        page = text(exposition, shot(rows, at=NOW + age))
        assert page.count(b"\ntimbres_available{") == left
    # The clock was set back, or `expire_after` was raised.
    assert text(exposition, shot(rows, at=NOW)).count(b"\ntimbres_available{") == 2
    later = shot(rows, at=NOW + 2 * DAY, expire_after=7 * DAY)
    assert text(exposition, later).count(b"\ntimbres_available{") == 2


outcomes = st.builds(
    Reading,
    st.floats(NOW - 2 * DAY, NOW),
    st.none() | st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 9),
    st.just("200"),
) | st.builds(Failure, st.just(NOW), st.sampled_from(Reason), st.just("500"), st.just(""))
steps = st.lists(
    st.tuples(
        st.integers(0, 2 * SIZE + 5),  # how many targets are configured
        st.dictionaries(st.integers(0, 2 * SIZE + 4), outcomes, max_size=4),
        st.sampled_from((-DAY, 0.0, 1.0, DAY / 2, DAY)),  # how far the clock goes
        st.booleans(),
    ),
    max_size=6,
)


@given(steps)
@settings(deadline=None, max_examples=40)
def test_whatever_happens_a_page_is_the_page_of_one_who_kept_nothing(
    happened: list[tuple[int, dict[int, Reading | Failure], float, bool]],
) -> None:
    metrics, at = Metrics("1.0"), NOW
    rows = [row(number) for number in range(2 * SIZE + 5)]
    ours = re.compile(rb"timbres_.*\n|# .*timbres_.*\n")  # the process itself uses time and memory
    for configured, polled, seconds, as_openmetrics in happened:
        at += seconds
        for number, outcome in polled.items():
            rows[number] = rows[number].then(outcome)
        snapshot = shot(rows[:configured], at=at)
        plain = b"".join(metrics.page(snapshot, as_openmetrics=as_openmetrics, compressed=False))
        packed = b"".join(metrics.page(snapshot, as_openmetrics=as_openmetrics, compressed=True))
        fresh = b"".join(Metrics("1.0").page(snapshot, as_openmetrics=as_openmetrics, compressed=False))
        assert ours.findall(plain) == ours.findall(fresh)
        assert ours.findall(gzip.decompress(packed)) == ours.findall(fresh)
