"""The past that the demonstration begins with: likely, and continued by what comes after it."""

from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import demo
from monitor.model import Kept, Reading
from monitor.simulator import KINDS, Issuer, Moment, Pac, business_hours, past
from monitor.store import Store

MEXICO = ZoneInfo("America/Mexico_City")
NOW = datetime(2026, 9, 17, 16, 20, tzinfo=MEXICO)
DAYS = 62

issuers = st.builds(
    lambda used, left, reserved: Issuer(used + left + reserved, used, reserved),
    st.integers(0, 20_000),
    st.integers(0, 20_000),
    st.integers(0, 50),
)


def used_by_day(moments: list[Moment]) -> dict[date, int]:
    days: dict[date, int] = {}
    for one, later in pairwise(moments):
        day = datetime.fromtimestamp(later.at, MEXICO).date()
        days[day] = days.get(day, 0) + later.used - one.used
    return days


@settings(deadline=None)
@given(issuers, st.sampled_from(sorted(KINDS)), st.text(max_size=5))
def test_a_past_ends_in_what_the_issuer_has_and_never_owes_or_takes_back(
    issuer: Issuer, kind: str, seed: str
) -> None:
    moments = past(issuer, kind, business_hours(NOW, DAYS), seed)
    assert moments[-1] == (NOW.timestamp(), issuer.used, issuer.contracted, issuer.available)
    for one, later in pairwise(moments):
        assert one.at < later.at
        assert 0 <= one.used <= later.used
        assert one.contracted <= later.contracted
    assert all(m.available == m.contracted - m.used - issuer.reserved >= 0 for m in moments)


def test_a_past_begins_on_the_first_day_and_has_no_hour_to_come() -> None:
    times = business_hours(NOW, DAYS)
    assert times[0] == datetime(2026, 7, 17, 9, tzinfo=MEXICO)
    assert times[-2:] == [datetime(2026, 9, 17, 15, tzinfo=MEXICO), NOW]


def test_the_same_seed_has_the_same_past_and_another_one_another() -> None:
    times, issuer = business_hours(NOW, DAYS), Issuer(1000, 800)
    assert past(issuer, "retail", times, "A") == past(issuer, "retail", times, "A")
    assert past(issuer, "retail", times, "A") != past(issuer, "retail", times, "B")


def test_shops_are_closed_on_sundays() -> None:
    days = used_by_day(past(Issuer(9000, 8000), "retail", business_hours(NOW, DAYS), "A"))
    assert all((stamps == 0) == (day.weekday() == 6) for day, stamps in days.items())


def test_wages_are_paid_on_two_days_of_the_month_which_are_no_weekend() -> None:
    days = used_by_day(past(Issuer(9000, 8000), "payroll", business_hours(NOW, DAYS), "A"))
    busiest = sorted(sorted(days, key=days.__getitem__)[-4:])
    assert busiest == [date(2026, 7, 31), date(2026, 8, 14), date(2026, 8, 31), date(2026, 9, 15)]


def test_services_are_invoiced_around_the_end_of_the_month() -> None:
    days = used_by_day(past(Issuer(9000, 8000), "services", business_hours(NOW, DAYS), "A"))
    busiest = sorted(days, key=days.__getitem__)[-6:]
    assert all(day.day <= 5 or day.day >= 28 for day in busiest)


def test_somebody_who_used_much_bought_again_and_again() -> None:
    moments = past(Issuer(10_000, 9_000), "steady", business_hours(NOW, DAYS), "A")
    rises = [later.contracted - one.contracted for one, later in pairwise(moments)]
    assert sum(rise > 0 for rise in rises) >= 2


async def test_the_demonstration_remembers_sixty_days_that_end_in_what_its_pac_tells(tmp_path: Path) -> None:
    pac = Pac(demo.accounts())
    config = demo.configure(tmp_path, "127.0.0.1:0", "http://127.0.0.1:9/x", pac)
    await demo.remember(config, pac)
    store = Store(config.state.url)
    try:
        kept = (await store.open()).kept
        histories = {key: await store.history(key, 0.0, one.place) for key, one in kept.items()}
    finally:
        await store.close()
    told = {
        (name, rfc): issuer
        for name, account in zip(demo.PASSWORDS, pac.accounts.values(), strict=True)
        for rfc, issuer in account.issuers.items()
    }
    assert kept.keys() == {target.key for target in config.targets} == told.keys()
    topped_up = 0
    for key, one in kept.items():
        issuer, points = told[key], histories[key]
        assert one.reading is not None
        numbers = (issuer.contracted, issuer.used, issuer.available)
        assert (one.reading.contracted, one.reading.used, one.reading.available) == numbers
        assert (points[-1].contracted, points[-1].used, points[-1].available) == numbers
        assert points[-1].at - points[0].at > 59 * 86400
        assert points[-1].consumed == one.consumed == issuer.used - (points[0].used or 0)
        assert min(point.available for point in points) > 0
        topped_up += any((a.contracted or 0) < (b.contracted or 0) for a, b in pairwise(points))
    assert topped_up > 30


@pytest.mark.parametrize("again", [1, 3])
async def test_many_steps_written_at_once_are_as_good_as_one_by_one(tmp_path: Path, again: int) -> None:
    key = ("norte", "EKU9003173C9")
    steps = [
        {key: Kept(at, Reading(at, 1000, used, 1000 - used, "200"), used)}
        for at, used in ((100.0, 1), (200.0, 1), (300.0, 5), (400.5, 9))
    ]
    found = []
    for name, together in (("a.db", True), ("b.db", False)):
        store = Store(f"sqlite:///{tmp_path}/{name}")
        loaded = await store.open()
        for _ in range(again):
            if together:
                assert await store.write_past(steps, 500.0)
            else:
                for step in steps:
                    assert await store.write(step, 500.0)
        history = await store.history(key, 0.0)
        await store.close()
        store = Store(f"sqlite:///{tmp_path}/{name}")
        loaded = await store.open()
        await store.close()
        found.append((history, loaded.kept, loaded.written_at))
    assert found[0] == found[1]
    assert [point.used for point in found[0][0]] == [1, 5, 9]
