"""When each target is due."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import Target
from monitor.config.target import DEFAULTS
from monitor.model import FAIR_USE, Failure, Outcome, Reading, Reason
from monitor.schedule import Schedule
from monitor.schedule.entry import SLOT
from monitor.schedule.schedule import CHUNK
from monitor.slices import SLICE
from tests.clock import Clock
from tests.issuers import rfcs

GOOD = Reading(0.0, 1, 1, 1, "200")


def failed(reason: Reason, code: str = "x", retry_after: float | None = None) -> Failure:
    return Failure(0.0, reason, code, "", retry_after, sent=reason is not Reason.HELD)


def target(rfc: str, interval: float = 900.0, account: str = "norte") -> Target:
    return Target(account, rfc, "", interval, DEFAULTS, None)


def targets(count: int, interval: float = 900.0) -> list[Target]:
    return [target(rfc, interval) for rfc in islice(rfcs(), count)]


class Turns:
    """Stands for the poller: answers at once, or when told."""

    def __init__(self, outcome: Callable[[Target], Outcome] = lambda _: GOOD) -> None:
        self.begun: list[tuple[Target, float]] = []
        self.outcome = outcome
        self.gates: dict[str, asyncio.Event] = {}
        self.now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    async def __call__(self, target: Target, due: float) -> Outcome:
        self.begun.append((target, due))
        self.now[target.rfc] += 1
        self.most[target.rfc] = max(self.most[target.rfc], self.now[target.rfc])
        try:
            if gate := self.gates.get(target.rfc):
                await gate.wait()
            return self.outcome(target)
        finally:
            self.now[target.rfc] -= 1

    def count(self, rfc: str) -> int:
        return sum(t.rfc == rfc for t, _ in self.begun)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def pass_time(schedule: Schedule, clock: Clock, seconds: float, step: float = 1.0) -> None:
    end = clock.now + seconds
    while clock.now < end:
        clock.now = min(end, clock.now + step)
        await schedule.release()
        await settle()


async def delays(outcomes: Iterable[Outcome], interval: float = 900.0) -> list[float]:
    """The seconds from each of these outcomes to the turn after it."""
    clock, answers = Clock(), iter(outcomes)
    turns = Turns(lambda _: next(answers, GOOD))
    schedule = Schedule(turns, clock=clock)
    one = target("EKU9003173C9", interval)
    await schedule.apply([one])
    found = []
    for _ in outcomes:
        wait = schedule.next_due(one.key)
        assert wait is not None
        clock.now += wait
        await schedule.release()
        await settle()
        after = schedule.next_due(one.key)
        assert after is not None
        found.append(after)
    return found


async def test_targets_never_tried_are_spread_over_two_minutes_without_bursts() -> None:
    clock, turns = Clock(), Turns()
    schedule = Schedule(turns, clock=clock)
    await schedule.apply(targets(6000))
    await pass_time(schedule, clock, 120)
    per_second = Counter(int(due - 1000) for _, due in turns.begun)
    assert len(turns.begun) == 6000
    assert set(per_second) == set(range(120))
    assert max(per_second.values()) <= 100  # 50 on average


async def test_targets_with_a_short_interval_are_spread_over_it() -> None:
    clock, turns = Clock(), Turns()
    schedule = Schedule(turns, clock=clock)
    await schedule.apply(targets(100, interval=10))
    await pass_time(schedule, clock, 10, step=0.1)
    assert {t.rfc for t, _ in turns.begun} == {t.rfc for t in targets(100)}


async def test_the_spread_is_the_same_after_a_restart() -> None:
    async def places() -> list[float | None]:
        schedule = Schedule(Turns(), clock=Clock())
        await schedule.apply(targets(50))
        return [schedule.next_due(t.key) for t in targets(50)]

    assert await places() == await places()


async def test_after_a_reading_the_next_turn_comes_an_interval_later() -> None:
    assert await delays([GOOD] * 3) == pytest.approx([900.0] * 3)


async def test_after_unavailable_the_next_turn_comes_early_doubling_up_to_the_interval() -> None:
    found = await delays([failed(Reason.UNAVAILABLE)] * 7 + [GOOD])
    for delay, wanted in zip(found, [30, 60, 120, 240, 480, 900, 900, 900], strict=True):
        assert 0.8 * wanted <= delay <= min(1.2 * wanted, 900) + 1e-6
    assert found[0] != 30.0  # jitter


async def test_a_good_answer_ends_the_back_off() -> None:
    found = await delays([failed(Reason.UNAVAILABLE)] * 3 + [GOOD, failed(Reason.UNAVAILABLE)])
    assert found[-1] <= 36


async def test_the_back_off_never_exceeds_a_short_interval() -> None:
    assert await delays([failed(Reason.UNAVAILABLE)] * 2, interval=5) == pytest.approx([5.0, 5.0])


@pytest.mark.parametrize("reason", [Reason.REFUSED, Reason.REJECTED, Reason.GARBLED, Reason.HELD])
async def test_what_does_not_pass_by_itself_is_asked_again_at_the_interval(reason: Reason) -> None:
    assert await delays([failed(reason)] * 2) == pytest.approx([900.0, 900.0])


async def test_a_busy_pac_is_asked_again_early_but_not_before_it_says() -> None:
    first, second = await delays([failed(Reason.BUSY), failed(Reason.BUSY, retry_after=3000.0)])
    assert first <= 36
    assert second == pytest.approx(3000.0)


async def test_the_limit_of_fair_use_stretches_the_interval_and_good_answers_shrink_it_back() -> None:
    fair = failed(Reason.BUSY, FAIR_USE)
    found = await delays([fair] * 5 + [GOOD] * 5)
    assert found == pytest.approx([900 * n for n in (2, 4, 8, 16, 16, 8, 4, 2, 1, 1)])


async def test_a_stretched_interval_stays_within_six_hours() -> None:
    assert (await delays([failed(Reason.BUSY, FAIR_USE)] * 4, interval=7200))[-1] == pytest.approx(6 * 3600)


async def test_a_wait_of_the_gate_brings_the_turn_when_it_ends() -> None:
    (found,) = await delays([failed(Reason.HELD, "wait", retry_after=100.0)])
    assert 100 <= found <= 121


async def test_a_turn_that_does_not_end_is_not_begun_again() -> None:
    clock, turns = Clock(), Turns()
    one = target("EKU9003173C9", 10)
    turns.gates[one.rfc] = asyncio.Event()
    schedule = Schedule(turns, clock=clock)
    await schedule.apply([one])
    await pass_time(schedule, clock, 100)
    assert turns.count(one.rfc) == 1
    assert schedule.next_due(one.key) is None
    await schedule.apply([])
    await schedule.apply([one])  # removed and added again meanwhile
    await pass_time(schedule, clock, 100)
    assert turns.count(one.rfc) == 1
    turns.gates[one.rfc].set()
    await settle()
    await pass_time(schedule, clock, 11)
    assert turns.count(one.rfc) == 2


async def test_a_reload_keeps_the_turns_of_what_did_not_change() -> None:
    clock = Clock()
    schedule = Schedule(Turns(), clock=clock)
    before = targets(20)
    await schedule.apply(before)
    await pass_time(schedule, clock, 130)
    due = {t.key: schedule.next_due(t.key) for t in before}
    await schedule.apply([*before[5:], target("EKU9003173C9")])
    assert {t.key: schedule.next_due(t.key) for t in before[5:]} == {t.key: due[t.key] for t in before[5:]}


async def test_a_removed_target_is_never_asked_again() -> None:
    clock, turns = Clock(), Turns()
    schedule = Schedule(turns, clock=clock)
    await schedule.apply(targets(2, interval=10))
    await pass_time(schedule, clock, 10)
    gone, kept = targets(2)
    await schedule.apply([target(kept.rfc, 10)])
    asked = turns.count(gone.rfc)
    await pass_time(schedule, clock, 50)
    assert turns.count(gone.rfc) == asked
    assert turns.count(kept.rfc) >= 5


async def test_a_longer_interval_counts_from_the_last_attempt() -> None:
    clock = Clock()
    schedule = Schedule(Turns(), clock=clock)
    one = target("EKU9003173C9", 10)
    await schedule.apply([one])
    await pass_time(schedule, clock, 10)
    gone = 10 - (schedule.next_due(one.key) or 0)
    await schedule.apply([target(one.rfc, 600)])
    assert schedule.next_due(one.key) == pytest.approx(600 - gone)


async def test_targets_made_overdue_by_a_shorter_interval_are_spread_over_five_minutes() -> None:
    clock, turns = Clock(), Turns()
    schedule = Schedule(turns, clock=clock)
    await schedule.apply(targets(1000, interval=36000))
    await pass_time(schedule, clock, 3600, step=10)
    turns.begun.clear()
    await schedule.apply(targets(1000, interval=900))
    await pass_time(schedule, clock, 300)
    assert len(turns.begun) == 1000
    assert max(Counter(int(due) for _, due in turns.begun).values()) <= 15


async def test_a_changed_credential_brings_the_turns_of_its_account_forward() -> None:
    clock = Clock()
    schedule = Schedule(Turns(), clock=clock)
    norte, sur = target("EKU9003173C9"), target("EKU9003173C9", account="sur")
    await schedule.apply([norte, sur])
    await pass_time(schedule, clock, 130)
    before = schedule.next_due(sur.key)
    await schedule.hasten({"norte"})
    assert (schedule.next_due(norte.key) or 0) <= 120
    assert schedule.next_due(sur.key) == before


async def test_a_turn_asked_for_while_one_is_under_way_comes_after_it() -> None:
    clock, turns = Clock(), Turns()
    one = target("EKU9003173C9")
    turns.gates[one.rfc] = asyncio.Event()
    schedule = Schedule(turns, clock=clock)
    await schedule.apply([one])
    await pass_time(schedule, clock, 120)
    await schedule.hasten({"norte"})
    turns.gates[one.rfc].set()
    await settle()
    assert (schedule.next_due(one.key) or 0) <= 120


async def test_a_fault_of_ours_in_a_turn_does_not_end_the_turns() -> None:
    clock = Clock()

    def broken(_: Target) -> Outcome:
        raise RuntimeError

    turns = Turns(broken)
    schedule = Schedule(turns, clock=clock)
    await schedule.apply([target("EKU9003173C9", 10)])
    await pass_time(schedule, clock, 60)
    assert turns.count("EKU9003173C9") >= 5


async def test_many_due_at_once_do_not_keep_the_loop_from_other_work() -> None:
    clock, turns = Clock(), Turns()
    schedule = Schedule(turns, clock=clock)
    await schedule.apply(targets(1000))
    clock.now += 10_000
    seen = []
    task = asyncio.create_task(schedule.release())
    while not task.done():
        seen.append(len(turns.begun))
        await asyncio.sleep(0)
    assert len(turns.begun) >= 1000 - CHUNK
    assert max(b - a for a, b in pairwise(seen)) <= 2 * CHUNK


async def test_a_configuration_of_many_is_taken_over_while_turns_go_on() -> None:
    clock, turns = Clock(), Turns()
    schedule = Schedule(turns, clock=clock)
    some = targets(4 * SLICE, interval=10)
    await schedule.apply(some)
    clock.now += 10  # all are due
    steps = 0
    async with asyncio.TaskGroup() as group:
        task = group.create_task(schedule.apply(targets(4 * SLICE, interval=10)))
        group.create_task(schedule.release())
        while not task.done():
            await asyncio.sleep(0)
            steps += 1
    await settle()
    assert steps >= 4  # the event loop had its turns in between
    assert Counter(t.rfc for t, _ in turns.begun) == dict.fromkeys((t.rfc for t in some), 1)
    await pass_time(schedule, clock, 11, step=0.5)
    assert set(Counter(t.rfc for t, _ in turns.begun).values()) == {2}


async def test_a_target_that_is_not_taken_over_yet_has_no_next_turn() -> None:
    schedule = Schedule(Turns(), clock=Clock())
    some = targets(2 * SLICE)
    task = asyncio.create_task(schedule.apply(some))
    await asyncio.sleep(0)
    assert [schedule.next_due(some[0].key) is None, schedule.next_due(some[-1].key) is None] == [False, True]
    await task
    assert schedule.next_due(some[-1].key) is not None


async def test_of_each_unproven_account_its_leader_goes_first_and_others_keep_their_turns() -> None:
    schedule = Schedule(Turns(), clock=Clock())
    norte, sur = targets(20), [target(t.rfc, account="sur") for t in targets(20)]
    await schedule.apply([*norte, *sur])
    before = {t.key: schedule.next_due(t.key) for t in (*norte, *sur)}
    last = max(norte, key=lambda t: before[t.key] or 0)
    await schedule.lead([(("norte", "none"), last.key), (("sur",), ("sur", "not configured"))])
    first = min(before[t.key] or 0 for t in norte)
    assert schedule.next_due(last.key) == pytest.approx(first - SLOT)
    assert {t.key: schedule.next_due(t.key) for t in (*norte, *sur) if t is not last} == {
        key: due for key, due in before.items() if key != last.key
    }


async def test_stopping_lets_the_spared_end_and_nobody_else() -> None:
    clock, turns = Clock(), Turns()
    spared, waiting = target("EKU9003173C9"), target("H&E951128469")
    turns.gates = {t.rfc: asyncio.Event() for t in (spared, waiting)}
    schedule = Schedule(turns, clock=clock)
    await schedule.apply([spared, waiting])
    await pass_time(schedule, clock, 120)
    tasks = {t for t in asyncio.all_tasks() if t.get_coro().__name__ == "_run"}  # type: ignore[union-attr]
    first = {t for t in tasks if t.get_coro().cr_frame.f_locals["entry"].target is spared}  # type: ignore[union-attr]
    stop = asyncio.create_task(schedule.stop(first, 30))
    await settle()
    assert not stop.done()
    turns.gates[spared.rfc].set()
    await stop
    assert [t.cancelled() for t in tasks - first] == [True]
    assert [t.cancelled() for t in first] == [False]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("pass"), st.floats(0.1, 400)),
            st.tuples(st.just("apply"), st.sets(st.integers(0, 4))),
            st.tuples(st.just("end"), st.integers(0, 4)),
            st.tuples(st.just("hasten"), st.just(0)),
        ),
        max_size=30,
    )
)
def test_whatever_happens_every_target_has_one_turn_under_way_or_ahead(
    steps: list[tuple[str, object]],
) -> None:
    asyncio.run(_walk(steps))


async def _walk(steps: list[tuple[str, object]]) -> None:
    clock, turns, every = Clock(), Turns(), targets(5, interval=60)
    turns.gates = {t.rfc: asyncio.Event() for t in every}
    schedule = Schedule(turns, clock=clock)
    configured: set[int] = set()
    for what, value in steps:
        match what, value:
            case "pass", float():
                clock.now += value
                await schedule.release()
            case "apply", set():
                configured = value
                await schedule.apply([every[i] for i in sorted(configured)])
            case "end", int():
                turns.gates[every[value].rfc].set()
                await settle()
                turns.gates[every[value].rfc].clear()
            case _:
                await schedule.hasten({"norte"})
        await settle()
        for i in configured:
            due = schedule.next_due(every[i].key)
            assert (due is None) == (turns.now[every[i].rfc] == 1)
            assert due is None or due <= 60
    assert set(turns.most.values()) <= {1}
    await schedule.stop((), 0)
