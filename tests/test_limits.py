"""A PAC that serves five at a time, asked by a monitor that might send sixty-four."""

import asyncio
from collections import Counter
from itertools import islice, pairwise

import pytest

from monitor import pac as client
from monitor.config import load
from monitor.pac import Busy
from monitor.simulator import Account, Issuer, Pac
from tests.issuers import rfcs
from tests.premises import Premises, until
from tests.service import Exposition, Service

SERVED = 5  # at a time
SENT = 64  # at a time, the most
LATENCY = 0.05  # seconds
RFCS = list(islice(rfcs(), 250))
CALLS = 500  # after which both are compared


def small_pac(password: str) -> Pac:
    issuers = {rfc: Issuer(1_000, 40) for rfc in RFCS}
    return Pac([Account("ws@norte.example", password, issuers)], max_at_once=SERVED, latency=LATENCY)


def answered(pac: Pac) -> tuple[int, int]:
    """Answers so far, and how many of them said that the PAC was busy."""
    return pac.sent.total(), pac.sent["503"]


def share(since: tuple[int, int], until: tuple[int, int]) -> float:
    """The part of the answers in between that said so."""
    return (until[1] - since[1]) / (until[0] - since[0])


def limit_of(scrape: Exposition) -> float:
    return scrape.total("timbres_concurrency_limit")


async def sizes(service: Service, seen: list[float]) -> None:
    """Write down the limit whenever it is seen to have moved."""
    while True:
        size = limit_of(await service.metrics())
        if seen[-1:] != [size]:
            seen.append(size)
        await asyncio.sleep(0.05)


async def ask_with_a_fixed_limit(premises: Premises, pac: Pac, calls: int) -> tuple[float, int]:
    """So many calls, RFC by RFC, sixty-four at a time: the part of them that found the PAC busy,
    and how many RFCs got a reading.
    """
    (account,) = load(premises.config).accounts
    service = client.Service(account, 30.0, "0")
    places = asyncio.Semaphore(SENT)
    read: Counter[str] = Counter()

    async def ask(http: object, rfc: str) -> None:
        async with places:
            try:
                await service.get_timbres(http, rfc)
            except Busy:
                return
            read[rfc] += 1

    async with client.Connections() as http:
        await ask(http, RFCS[0])
        before = answered(pac)
        async with asyncio.TaskGroup() as group:
            for number in range(calls):
                group.create_task(ask(http, RFCS[number % len(RFCS)]))
    return share(before, answered(pac)), len(read)


@pytest.mark.slow
async def test_every_rfc_is_read_at_a_pac_that_serves_five_at_a_time_and_few_calls_find_it_busy(
    premises: Premises,
) -> None:
    password = premises.secrets.make("right")
    pac = small_pac(password)
    async with pac.serve() as url:
        premises.secret("norte", password)
        premises.configure(
            premises.account(url, rfcs=RFCS, max_in_flight=SENT), interval="2s", max_in_flight=SENT
        )
        async with premises.running() as service:
            seen: list[float] = []
            sampling = asyncio.create_task(sizes(service, seen))
            await until(lambda: pac.sent.total() >= 100)
            since = answered(pac)
            await until(lambda: pac.sent.total() >= since[0] + CALLS, seconds=120)
            busy = share(since, answered(pac))
            await service.until(lambda scrape: scrape.total("timbres_available") == 960 * len(RFCS))
            fall = next(place for place, (size, after) in enumerate(pairwise(seen)) if after < size)
            back = max(seen[fall + 1 :])
            # The PAC is given more machines.
            pac.max_at_once = None
            await service.until(lambda scrape: limit_of(scrape) > 2 * SERVED, seconds=120)
            sampling.cancel()
            await asyncio.gather(sampling, return_exceptions=True)
            await service.until(lambda scrape: scrape.total("timbres_up") == len(RFCS))

    other = small_pac(password)
    async with other.serve() as url:
        premises.configure(premises.account(url, rfcs=RFCS))
        fixed, read = await ask_with_a_fixed_limit(premises, other, CALLS)
    print(  # noqa: T201
        f"a PAC that serves {SERVED} at a time; of {CALLS} calls it was busy at {busy:.1%} (fixed limit of"
        f" {SENT}: {fixed:.1%}, {read} of {len(RFCS)} RFCs read); the limit went"
        f" {' '.join(f'{size:.0f}' for size in seen)}"
    )
    assert SERVED <= back < 2 * SERVED  # it fell, and grew back to what the PAC bears
    assert busy < 0.05
    assert fixed > 10 * busy
    assert set(pac.calls) == set(RFCS)
    assert pac.wrong_logins.total() == 0
