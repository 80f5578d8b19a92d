"""Numbers belong to the endpoint that told them: testing never stands for production."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from monitor.config import load
from monitor.model import Kept, Reading
from monitor.simulator import Account, Issuer, Pac
from monitor.store import Store, peek
from tests import version2
from tests.premises import Premises
from tests.service import Exposition
from tests.watching import EPOCH, account, paying, watching, write

RFC = "EKU9003173C9"
WHO = {"account": "norte", "rfc": RFC}


def numbers(scrape: Exposition) -> tuple[float | None, ...]:
    return tuple(scrape(f"timbres_{name}", **WHO) for name in ("used", "available", "consumed_total"))


async def test_a_start_at_another_endpoint_shows_nothing_of_the_old_one_and_counts_on(
    premises: Premises,
) -> None:
    password = premises.secrets.make("right")
    premises.secret("norte", password)
    testing, production = (
        Pac([Account("ws@norte.example", password, {RFC: issuer})])
        for issuer in (Issuer(500, 100), Issuer(90_000, 40_000))
    )
    async with testing.serve() as old, production.serve() as new:
        premises.configure(premises.account(old, rfcs=[RFC]))
        async with premises.running() as service:
            await service.until(lambda m: numbers(m) == (100, 400, 0))
            testing.accounts["ws@norte.example"].issuers[RFC].used += 7
            await service.until(lambda m: numbers(m) == (107, 393, 7))
        production.faults["*"] = "silent"
        premises.configure(premises.account(new, rfcs=[RFC]), timeout="1s")
        async with premises.running() as service:
            scrape = await service.until(lambda m: m("timbres_consumed_total", **WHO) is not None)
            assert numbers(scrape) == (None, None, 7)
            assert scrape("timbres_last_success_timestamp_seconds", **WHO) is None
            await premises.kill(service)
        production.faults.clear()
        async with premises.running("--lost", "0", "--answered", "0") as service:
            await service.until(lambda m: numbers(m) == (40_000, 50_000, 7))
            production.accounts["ws@norte.example"].issuers[RFC].used += 3
            await service.until(lambda m: numbers(m) == (40_003, 49_997, 10))
        premises.configure(
            premises.account(old.replace("127.0.0.1", "localhost"), rfcs=[RFC])
        )  # another spelling of the first
        async with premises.running() as service:
            await service.until(lambda m: numbers(m) == (107, 393, 10))
            testing.accounts["ws@norte.example"].issuers[RFC].used += 1
            await service.until(lambda m: numbers(m) == (108, 392, 11))


async def test_a_reload_and_a_kill_bring_back_nothing_of_the_old_endpoint(tmp_path: Path) -> None:
    old, new = Pac([paying({RFC: Issuer(500, 100)})]), Pac([paying({RFC: Issuer(90_000, 40_000)})])
    new.faults["*"] = "500"
    async with new.serve() as elsewhere, watching(tmp_path, old, lambda url: [account(url, RFC)]) as watched:
        await watched.first_polls(1)
        await watched.until(lambda m: numbers(m) == (100, 400, 0))
        watched.tell(account(elsewhere, RFC))
        assert await watched.monitor.reload() == ()
        assert numbers(await watched.metrics()) == (None, None, 0)
        kept = (await peek(load(watched.path).state.url)).kept["norte", RFC]
        assert kept.place != load(watched.path).accounts[0].place  # all that is stored is of the old one
    async with watching(tmp_path, new, lambda url: [account(url, RFC)]) as watched:
        assert numbers(await watched.metrics()) == (None, None, 0)


async def test_an_answer_of_the_old_endpoint_that_comes_after_the_reload_is_not_the_new_ones(
    tmp_path: Path,
) -> None:
    old, new = Pac([paying({RFC: Issuer(500, 100)})]), Pac([paying({RFC: Issuer(90_000, 40_000)})])
    old.latency = 1.0
    async with new.serve() as elsewhere, watching(tmp_path, old, lambda url: [account(url, RFC)]) as watched:
        watched.clock.now += 121
        async with asyncio.timeout(20):
            while not old.calls:
                await asyncio.sleep(0.01)
        watched.tell(account(elsewhere, RFC))
        assert await watched.monitor.reload() == ()
        async with asyncio.timeout(20):
            while old.at_once:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)  # the answer is read
        assert numbers(await watched.metrics()) == (None, None, None)
        watched.clock.now += 121
        await watched.until(lambda m: numbers(m) == (40_000, 50_000, 0))


async def test_history_stays_with_its_endpoint_and_is_found_again(tmp_path: Path) -> None:
    store, key = Store(f"sqlite:///{tmp_path}/timbres.db"), ("norte", RFC)

    def kept(place: str, used: int, consumed: int, at: float) -> dict[tuple[str, str], Kept]:
        return {key: Kept(at, Reading(at, 1000, used, 1000 - used, "200"), consumed, None, place)}

    await store.open()
    for number, (place, used, consumed) in enumerate(
        [("a", 10, 0), ("a", 15, 5), ("b", 700, 5), ("b", 800, 105), ("a", 15, 105), ("a", 16, 106)]
    ):
        assert await store.write(kept(place, used, consumed, EPOCH + number), EPOCH)
        assert await store.history(key, 0.0, "elsewhere") == []
    mine = await store.history(key, 0.0, "a")
    # What was consumed elsewhere is a step before, not within, this history.
    assert [(point.used, point.consumed) for point in mine] == [(10, 100), (15, 105), (15, 105), (16, 106)]
    assert await store.history(key, 0.0, "b") == []
    await store.close()
    store = Store(f"sqlite:///{tmp_path}/timbres.db")
    assert (await store.open()).kept == kept("a", 16, 106, EPOCH + 5)
    await store.write(kept("b", 800, 106, EPOCH + 9), EPOCH)
    theirs = await store.history(key, 0.0, "b")
    assert [(point.used, point.consumed) for point in theirs] == [(700, 6), (800, 106), (800, 106)]
    await store.close()


async def test_after_moving_to_another_endpoint_and_back_a_new_target_takes_nobodys_place(
    tmp_path: Path,
) -> None:
    def kept(rfc: str, place: str, used: int) -> dict[tuple[str, str], Kept]:
        at = EPOCH + used
        return {("norte", rfc): Kept(at, Reading(at, 1000, used, 1000 - used, "200"), used, None, place)}

    store = Store(f"sqlite:///{tmp_path}/timbres.db")
    await store.open()
    for used, place in enumerate(("a", "b", "a")):
        for rfc in ("A", "B", "C"):
            assert await store.write(kept(rfc, place, used), EPOCH)
    await store.close()
    for number, rfc in enumerate(("D", "E", "F", "G")):
        store = Store(f"sqlite:///{tmp_path}/timbres.db")
        await store.open()
        assert await store.write(kept(rfc, "a", 500 + number), EPOCH)
        assert [point.used for point in await store.history(("norte", rfc), 0.0, "a")] == [500 + number]
        await store.close()
    with closing(sqlite3.connect(tmp_path / "timbres.db")) as database:
        found = database.execute("SELECT rfc, place FROM target ORDER BY rfc, place").fetchall()
    assert found == [(rfc, place) for rfc in "ABC" for place in "ab"] + [(rfc, "a") for rfc in "DEFG"]


async def test_numbers_of_version_2_do_not_stand_for_an_endpoint_that_was_changed_with_the_update(
    tmp_path: Path,
) -> None:
    pac = Pac([paying({RFC: Issuer(50_000, 40_000)})])
    async with pac.serve() as url:
        write(tmp_path / "config.yaml", account(url, RFC))
        (told,) = load(tmp_path / "config.yaml").accounts
        before = version2.fingerprint("https://testing.example/ws", *told.spelled[1:])
        version2.create(
            tmp_path / "timbres.db",
            [(1, "norte", RFC, EPOCH - 900, EPOCH - 900, 500, 100, 400, "200", 77)],
            [(1, int(EPOCH) - 900, 500, 100, 400, 77)],
            [(before, 1, None, None, 0, 0.0, 0)],
        )
        for _ in range(2):
            async with watching(tmp_path, pac, lambda url: [account(url, RFC)]) as watched:
                assert (await watched.metrics())("timbres_used", **WHO) in (None, 40_000)
                watched.clock.now += 1000
                await watched.until(lambda m: m("timbres_used", **WHO) == 40_000)
                await watched.until(lambda m: m("timbres_consumed_total", **WHO) == 77)
                history = await watched.get(f"/api/v1/quotas/norte/{RFC}/history?since=0")
                assert '"used": 100' not in history.text


async def test_a_database_of_version_2_keeps_its_readings_and_its_holds(tmp_path: Path) -> None:
    sur = {"username": "ws@sur.example", "password": "refused"}
    pac = Pac([paying({RFC: Issuer(500, 100)})])
    async with pac.serve() as url:
        norte, held = account(url, RFC), account(url, RFC, name="sur") | sur
        write(tmp_path / "config.yaml", norte, held)
        accounts = load(tmp_path / "config.yaml").accounts
        spelled = [version2.fingerprint(*one.spelled) for one in accounts]
        version2.create(
            tmp_path / "timbres.db",
            [(1, "norte", RFC, EPOCH - 900, EPOCH - 900, 500, 90, 410, "200", 77)],
            [(1, int(EPOCH) - 900, 500, 90, 410, 77)],
            [(spelled[0], 1, None, None, 0, 0.0, 0), (spelled[1], 1, "601", EPOCH - 50, 0, 0.0, 0)],
        )

        def told(_: str) -> list[dict[str, object]]:
            return [norte, held]

        for _ in range(2):  # what was migrated is also found again
            async with watching(tmp_path, pac, told) as watched:
                scrape = await watched.metrics()
                assert scrape("timbres_account_held", account="sur") == 1
                assert scrape("timbres_account_hold_info", account="sur", code="601") == 1
                assert (scrape("timbres_consumed_total", **WHO) or 0) >= 77
                watched.clock.now += 121
                await watched.until(lambda m: m("timbres_used", **WHO) == 100)
                await watched.until(lambda m: m("timbres_consumed_total", **WHO) == 87)
                assert pac.wrong_logins.total() == 0
    with closing(sqlite3.connect(tmp_path / "timbres.db")) as database:
        assert database.execute("SELECT value FROM meta WHERE name = 'version'").fetchall() == [("3",)]
        assert database.execute("SELECT count(*) FROM target").fetchone() == (1,)
