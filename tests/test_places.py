"""Places that calls take."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.places import Places


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_places_are_handed_over_in_order_of_arrival() -> None:
    places, order = Places(1), []

    async def call(number: int) -> None:
        await places.take()
        order.append(number)
        await asyncio.sleep(0)
        places.give()

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(call(number))
    assert order == [0, 1, 2, 3, 4]
    assert places.used == 0


async def test_a_newcomer_does_not_overtake_those_who_wait() -> None:
    places = Places(1)
    await places.take()
    waiting = asyncio.create_task(places.take())
    await settle()
    places.give()  # handed to the one who waits, though it has not run yet
    newcomer = asyncio.create_task(places.take())
    await settle()
    assert waiting.done()
    assert not newcomer.done()
    newcomer.cancel()


async def test_a_larger_size_calls_as_many_as_there_is_room_for() -> None:
    places = Places(1)
    await places.take()
    waiting = [asyncio.create_task(places.take()) for _ in range(5)]
    await settle()
    places.resize(4)
    await settle()
    assert [task.done() for task in waiting] == [True] * 3 + [False] * 2
    places.dismiss()
    assert [await task for task in waiting[3:]] == [False, False]


async def test_after_halving_no_place_is_given_until_enough_came_back() -> None:
    places = Places(4)
    for _ in range(4):
        await places.take()
    waiting = asyncio.create_task(places.take())
    places.resize(2)
    for _ in range(2):
        places.give()
        await settle()
    assert not waiting.done()
    places.give()
    assert await waiting


async def test_one_cancelled_when_its_place_was_handed_over_hands_it_on() -> None:
    places = Places(1)
    await places.take()
    first, second = asyncio.create_task(places.take()), asyncio.create_task(places.take())
    await settle()
    places.give()
    first.cancel()
    assert await second
    assert places.used == 1


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["take", "give", "cancel", "resize", "dismiss"]), st.integers(1, 6)))
)
def test_places_are_never_lost_nor_given_twice(steps: list[tuple[str, int]]) -> None:
    asyncio.run(_walk(steps))


async def _walk(steps: list[tuple[str, int]]) -> None:
    places, holders, waiting = Places(2), 0, []
    for what, number in steps:
        match what:
            case "take":
                waiting.append(asyncio.create_task(places.take()))
            case "give" if holders:
                holders -= 1
                places.give()
            case "cancel" if waiting:
                waiting.pop(number % len(waiting)).cancel()
            case "resize":
                places.resize(number)
            case "dismiss":
                places.dismiss()
            case _:
                pass
        if number % 2:  # sometimes the next step comes before anybody has run
            await settle()
            holders += sum(task.result() for task in waiting if task.done())
            waiting = [task for task in waiting if not task.done()]
            assert places.used == holders
            assert holders >= places.size or not waiting
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
