"""How many calls at once an endpoint gets."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.limit import COOL_DOWN, HOLD_OFF, PROBE, START, Limit
from monitor.pac import Busy, Garbled, Refused, Unavailable
from tests.clock import Clock


async def good(limit: Limit, times: int = 1) -> None:
    for _ in range(times):
        async with limit:
            pass


async def busy(limit: Limit, clock: Clock, retry_after: float | None = None) -> None:
    """A busy answer, and the hold-off that follows, waited out."""
    with pytest.raises(Busy):
        async with limit:
            raise Busy("503", "", retry_after=retry_after)
    clock.now += 200


async def test_it_starts_at_four_or_at_the_most_there_may_be() -> None:
    assert Limit("e", 64).size == START == 4
    assert Limit("e", 2).size == 2


async def test_it_grows_by_one_per_limit_many_good_answers_up_to_the_most() -> None:
    limit = Limit("e", 6, Clock())
    sizes = []
    for _ in range(20):
        await good(limit)
        sizes.append(limit.size)
    assert sizes == [4] * 3 + [5] * 5 + [6] * 12


async def test_a_busy_answer_halves_it_once_a_cool_down() -> None:
    clock = Clock()
    limit = Limit("e", 64, clock)
    await good(limit, 4 + 5 + 6 + 7)
    assert limit.size == 8
    await burst(limit, 3)
    assert limit.size == 4
    clock.now += COOL_DOWN + 60
    await busy(limit, clock)
    assert limit.size == 2


async def burst(limit: Limit, calls: int) -> None:
    """So many calls that are out together, all of which find the PAC busy."""
    out = asyncio.Barrier(calls)

    async def call() -> None:
        async with limit:
            await out.wait()
            raise Busy("503", "")

    ends = await asyncio.gather(*(call() for _ in range(calls)), return_exceptions=True)
    assert all(isinstance(end, Busy) for end in ends), ends


async def test_a_burst_of_busy_answers_holds_off_once() -> None:
    clock = Clock()
    limit = Limit("e", 64, clock)
    await good(limit, 4 + 5 + 6 + 7)
    await burst(limit, 8)
    assert limit.holds_off
    clock.now += 2 * HOLD_OFF
    assert not limit.holds_off


async def test_what_it_finds_busy_on_its_way_back_is_its_ceiling_from_then_on() -> None:
    clock = Clock()
    limit = Limit("e", 64, clock)
    await good(limit, sum(range(START, 20)))
    await burst(limit, 20)
    assert limit.size == 10
    clock.now += 2 * HOLD_OFF
    await good(limit, 10 + 11)
    assert limit.size == 12
    await burst(limit, 2)  # soon after: nothing is halved twice
    assert limit.size == 11
    clock.now += 4 * HOLD_OFF
    await good(limit, 11 * PROBE - 1)
    assert limit.size == 11
    await good(limit)
    assert limit.size == 12


async def fail(limit: Limit, clock: Clock, error: Exception) -> None:
    clock.now += 1e-6
    limit._not_before = 0.0  # calls that were already under way
    async with limit:
        raise error


async def test_it_never_falls_below_one() -> None:
    clock = Clock()
    limit = Limit("e", 64, clock)
    for _ in range(10):
        await busy(limit, clock)
    assert limit.size == 1


async def test_it_grows_back_quickly_to_what_was_borne_and_slowly_beyond() -> None:
    clock = Clock()
    limit = Limit("e", 64, clock)
    await good(limit, 4 + 5)
    assert limit.size == 6
    await busy(limit, clock)
    assert limit.size == 3
    await good(limit, 3 + 4)
    assert limit.size == 5
    await good(limit, 5 * PROBE - 1)
    assert limit.size == 5
    await good(limit)
    assert limit.size == 6
    await good(limit, 6 + 7)  # the PAC has grown: on as in the beginning
    assert limit.size == 8


@pytest.mark.parametrize("error", [Unavailable("500", ""), Garbled("200", ""), Refused("601", "")])
async def test_other_failures_neither_raise_nor_lower_it(error: Exception) -> None:
    limit = Limit("e", 64, Clock())
    for _ in range(20):
        with pytest.raises(type(error)):
            async with limit:
                raise error
    assert limit.size == START
    assert limit.in_flight == 0


async def held_off(retry_after: float | None, after: float) -> bool:
    """Whether a call still waits so many seconds after a busy answer."""
    clock = Clock()
    limit = Limit("e", 64, clock)
    with pytest.raises(Busy):
        async with limit:
            raise Busy("http_429", "", retry_after=retry_after)
    clock.now += after
    entering = asyncio.create_task(limit.__aenter__())
    await asyncio.sleep(0.001)
    waits = not entering.done()
    entering.cancel()
    await asyncio.gather(entering, return_exceptions=True)
    return waits


async def test_retry_after_is_obeyed_up_to_an_hour() -> None:
    assert await held_off(100.0, 99.9)
    assert not await held_off(100.0, 100.1)
    assert await held_off(1e9, 3599.0)
    assert not await held_off(1e9, 3600.1)


async def test_without_retry_after_a_busy_answer_holds_off_for_a_second_or_two() -> None:
    assert await held_off(None, 0.99)
    assert not await held_off(None, 2.01)


async def test_the_hold_off_has_jitter() -> None:
    limits = [Limit("e", 4, Clock(0.0)) for _ in range(10)]
    for limit in limits:
        with pytest.raises(Busy):
            async with limit:
                raise Busy("503", "")
    assert len({limit._not_before for limit in limits}) == 10


async def test_a_call_that_is_cancelled_while_held_off_gives_its_place_back() -> None:
    limit = Limit("e", 1, Clock())
    with pytest.raises(Busy):
        async with limit:
            raise Busy("503", "", retry_after=50)
    for _ in range(3):
        entering = asyncio.create_task(limit.__aenter__())
        await asyncio.sleep(0)
        entering.cancel()
        await asyncio.gather(entering, return_exceptions=True)
    assert limit._places.used == 0


async def test_a_smaller_most_of_a_reload_lowers_it() -> None:
    limit = Limit("e", 64)
    limit.apply(2)
    assert limit.size == 2


@settings(max_examples=25, deadline=None)
@given(st.lists(st.booleans(), max_size=300), st.integers(1, 20))
def test_it_stays_between_one_and_the_most(answers: list[bool], most: int) -> None:
    async def walk() -> None:
        clock = Clock()
        limit = Limit("e", most, clock)
        for is_good in answers:
            if is_good:
                await good(limit)
            else:
                await busy(limit, clock)
            assert 1 <= limit.size <= most
        for _ in range(3):
            await good(limit, 64 * PROBE)
        await good(limit, 4000)
        assert limit.size == most  # it always grows back

    asyncio.run(walk())


async def test_after_a_quiet_those_who_came_first_go_first() -> None:
    limit = Limit("e", 4)
    order: list[str] = []

    async def ask(name: str) -> None:
        await limit.calm()
        order.append(name)

    async def always_busy() -> None:
        for _ in range(6):
            with pytest.raises(Busy):
                async with limit:
                    raise Busy("503", "", retry_after=0.02)
            await ask("busy")

    async with asyncio.TaskGroup() as group:
        group.create_task(always_busy())
        for number in range(5):
            await asyncio.sleep(0)
            group.create_task(ask(str(number)))
    assert order[:2] in (["busy", "0"], ["0", "1"])
    assert [name for name in order if name != "busy"] == list("01234")
    assert order.index("4") <= 6
