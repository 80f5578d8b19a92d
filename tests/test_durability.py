"""What outlives the process, whatever ends it; and what goes on while the disk does not."""

import asyncio
import random
import re
import resource
import shutil
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from fcntl import LOCK_EX, flock
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from monitor.app import Monitor
from monitor.config import load
from monitor.core import Core
from monitor.model import Reading
from monitor.schedule import Schedule
from monitor.simulator import Account, Issuer, Pac
from monitor.state import BATCH
from monitor.store import peek
from tests import issuers
from tests.premises import ENV, IMPATIENT
from tests.service import Exposition, Service, command, running
from tests.watching import FIRST, Clock

RFCS = list(islice(issuers.rfcs(), 400))
PASSWORD = "s3creto"
WAITS = ("--lost", "0.5", "--forbidden", "0.5", "--most", "2")
CONSUMED = re.compile(r'^timbres_consumed_total\{account="(\w+)",rfc="([^"]+)"\} (\S+)$', re.MULTILINE)
HELD = re.compile(r'^timbres_account_held\{account="(\w+)"\} 1\.0$', re.MULTILINE)


def customer(name: str, rfcs: list[str], burn: float = 0.0) -> Account:
    return Account(f"ws@{name}.example", PASSWORD, {rfc: Issuer(10**9, 100, burn=burn) for rfc in rfcs})


def account(url: str, name: str, rfcs: list[str], password: str = PASSWORD, **rest: Any) -> dict[str, Any]:
    login = {"username": f"ws@{name}.example", "password": password}
    return {"name": name, "endpoint": url, **login, "rfcs": rfcs, **rest}


def configure(folder: Path, *accounts: dict[str, Any], **rest: Any) -> Path:
    """Write the configuration, or replace it by another in one step."""
    poll = {"interval": "1s", "timeout": "5s", **rest.pop("poll", {})}
    told = {"web": {"listen": "127.0.0.1:0"}, "poll": poll, "accounts": [*accounts], **rest}
    return issuers.write(folder / "new", told).replace(folder / "config.yaml")


def consumed(scrape: Exposition) -> dict[tuple[str, str], float]:
    return {(name, rfc): float(value) for name, rfc, value in CONSUMED.findall(scrape.text)}


def held(scrape: Exposition) -> set[str]:
    return set(HELD.findall(scrape.text))


async def turned_away(service: Service, account: str) -> None:
    """Every RFC of an account has had a turn that was not used, as the database takes no writes."""
    async with asyncio.timeout(30):
        while True:
            async with service.http.get(f"{service.address}/api/v1/quotas") as response:
                told = (await response.json())["quotas"]
            codes = {(one["last_error"] or {}).get("code") for one in told if one["account"] == account}
            if codes == {"state"}:
                return
            await asyncio.sleep(0.1)


async def until(condition: Callable[[], object], *, seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def first_ready(service: Service) -> Exposition:
    """The first scrape of a service that calls itself ready."""
    async with asyncio.timeout(30):
        while True:
            async with service.http.get(f"{service.address}/-/ready") as response:
                if response.status == 200:
                    return await service.metrics()
            await asyncio.sleep(0.01)


# kill -9


class Witness:
    """What was shown: nothing of it may be lost."""

    def __init__(self) -> None:
        self.consumed: dict[tuple[str, str], float] = {}
        self.held: set[str] = set()

    def look(self, scrape: Exposition, configured: set[str]) -> None:
        now = consumed(scrape)
        for key, before in self.consumed.items():
            if key[1] in configured:
                assert now[key] >= before, key
        self.consumed |= now
        assert self.held <= held(scrape)
        self.held = held(scrape)

    def examine(self, database: Path, folder: Path) -> None:
        """The database of a dead process, looked at in a copy: the next one finds what this one left."""
        copy = folder / "copy.db"
        shutil.copyfile(database, copy)
        with suppress(
            FileNotFoundError
        ):  # killed between a connection's clean end, which folds it in, and the next
            shutil.copyfile(f"{database}-wal", f"{copy}-wal")
        with closing(sqlite3.connect(copy)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            stored = {
                row[:2]: row[2] for row in connection.execute("SELECT account, rfc, consumed FROM target")
            }
            (holds,) = connection.execute("SELECT count(*) FROM credential WHERE hold IS NOT NULL").fetchone()
        assert all(stored[key] >= shown for key, shown in self.consumed.items())
        assert holds >= len(self.held)
        for path in folder.glob("copy.db*"):
            path.unlink()


async def killed_again_and_again(folder: Path, seed: int, kills: int) -> None:
    chance = random.Random(seed)
    norte, sur, malo, rest = RFCS[:60], RFCS[60:80], RFCS[80:90], RFCS[90:120]
    turning = {f"cambio{n}": rest[5 * n : 5 * n + 5] for n in range(6)}  # their passwords change, one by one
    pac = Pac(
        customer(name, rfcs, burn=3.0)
        for name, rfcs in {"norte": norte, "sur": sur, "malo": malo, **turning}.items()
    )
    turned: dict[str, int] = {}  # kills between the change and the hold that was shown
    frozen: dict[str, int] = {}  # wrong logins when the hold was shown
    witness = Witness()
    async with pac.serve() as url:

        def write(*, whole: bool) -> set[str]:
            wanted = norte if whole else norte[::2]
            configure(
                folder,
                account(url, "norte", wanted, max_in_flight=4),
                account(url, "sur", sur),
                account(url, "malo", malo, password="n0t-this"),
                *(account(url, name, rfcs) for name, rfcs in turning.items()),
            )
            return {*wanted, *sur, *malo, *rest}

        def look(scrape: Exposition) -> None:
            witness.look(scrape, configured)
            for name in witness.held:
                wrong = pac.wrong_logins[f"ws@{name}.example"]
                assert frozen.setdefault(name, wrong) == wrong

        whole = True
        configured = write(whole=whole)
        database, config = folder / "timbres.db", folder / "config.yaml"
        async with running(config, *WAITS, program=IMPATIENT) as service:
            every = len(configured) - len(malo)
            scrape = await service.until(lambda m: held(m) == {"malo"} and len(consumed(m)) == every)
            look(scrape)
            assert frozen == {"malo": 1}
            service.process.kill()
        for number in range(kills):
            witness.examine(database, folder)
            moment = ("start", "running", "reload", "change")[number % 4]
            async with command("run", "--config", str(config), *WAITS, program=IMPATIENT) as service:
                if moment == "start":
                    await asyncio.sleep(chance.uniform(0.2, 1.5))
                else:
                    await service.until_log("address=")
                    look(await first_ready(service))
                    name = next((name for name in turning if name not in turned), "")
                    if moment == "change" and name:
                        pac.rotate(f"ws@{name}.example", "another")
                        turned[name] = 0
                    end = asyncio.get_running_loop().time() + chance.uniform(0.0, 1.6)
                    while asyncio.get_running_loop().time() < end:
                        look(await service.metrics())
                        await asyncio.sleep(chance.uniform(0.0, 0.1))
                    if moment == "reload":
                        whole = not whole
                        configured = write(whole=whole)
                        service.hang_up()
                        await asyncio.sleep(chance.uniform(0.0, 0.1))
                service.process.kill()
            for name in turned.keys() - witness.held:
                turned[name] += 1
        witness.examine(database, folder)
        configured = write(whole=True)
        async with running(config, *WAITS, program=IMPATIENT) as service:
            look(await first_ready(service))
            refused = {"malo", *turned}
            scrape = await service.until(
                lambda m: (
                    held(m) == refused
                    and all(m("timbres_up", account="norte", rfc=rfc) for rfc in norte)
                    and all(m("timbres_up", account="sur", rfc=rfc) for rfc in sur)
                )
            )
            look(scrape)
            await service.stop()
    assert frozen.keys() == refused
    assert all(frozen[name] <= 1 + since for name, since in turned.items())
    assert frozen["malo"] == 1
    assert not list(folder.glob("*.corrupt-*"))
    for name in ("norte", "sur"):
        assert pac.wrong_logins[f"ws@{name}.example"] == 0


@pytest.mark.slow
async def test_fifty_kills_at_random_moments_lose_nothing_that_was_shown(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        for seed, kills in enumerate((17, 17, 16)):
            folder = tmp_path / str(seed)
            folder.mkdir()
            group.create_task(killed_again_and_again(folder, seed, kills))


async def killed_after_readings(folder: Path, pac: Pac, url: str, rfcs: list[str]) -> Exposition:
    """What the service showed last before it was killed; by then its last polls had failed."""
    config = configure(folder, account(url, "norte", rfcs))
    async with running(config) as service:
        await service.until(lambda m: len(m.all("timbres_consumed_total", account="norte")) == len(rfcs))
        await service.until(lambda m: all(m.all("timbres_consumed_total", account="norte").values()))
        pac.faults["*"] = "500"
        await service.until(
            lambda m: len(m.all("timbres_up", account="norte")) == len(rfcs) and not m.total("timbres_up")
        )
        stored: dict[str, float] = {}
        async with asyncio.timeout(30):
            while stored != (
                read := (await service.metrics()).all(
                    "timbres_last_success_timestamp_seconds", account="norte"
                )
            ):
                kept = (await peek(load(config).state.url)).kept
                stored = {rfc: kept["norte", rfc].reading.at for rfc in read}
        shown = await service.metrics()
        service.process.kill()
    pac.faults.clear()
    return shown


@pytest.mark.slow
async def test_after_a_restart_the_last_readings_are_shown_at_once_with_their_old_times(
    tmp_path: Path,
) -> None:
    rfcs = RFCS[:12]
    pac = Pac([customer("norte", rfcs, burn=5.0)])
    async with pac.serve() as url:
        shown = await killed_after_readings(tmp_path, pac, url, rfcs)
        with closing(sqlite3.connect(tmp_path / "timbres.db")) as database, database:
            old = "UPDATE target SET at = at - 7200, attempted_at = attempted_at - 7200 WHERE rfc = ?"
            database.execute(old, [rfcs[0]])
        config = configure(
            tmp_path, account(url, "norte", rfcs), poll={"interval": "6h", "expire_after": "1h"}
        )
        async with running(config) as service:
            scrape = await first_ready(service)
    success = "timbres_last_success_timestamp_seconds"
    for name in (
        "timbres_used",
        "timbres_available",
        "timbres_contracted",
        "timbres_consumed_total",
        success,
    ):
        before, after = (page.all(name, account="norte") for page in (shown, scrape))
        assert len(before) == 12
        gone = before.pop(rfcs[0]), after.pop(rfcs[0], None)
        assert after == before, name
        if name == success:
            assert gone[1] == pytest.approx(gone[0] - 7200)
        else:
            assert gone[1] == (gone[0] if name == "timbres_consumed_total" else None)
    assert scrape.all("timbres_up", account="norte") == dict.fromkeys(rfcs, 0)
    assert scrape("timbres_account_unproven", account="norte") == 1


@pytest.mark.slow
async def test_after_a_restart_rfcs_that_were_asked_moments_ago_keep_their_turns(tmp_path: Path) -> None:
    rfcs = RFCS[:12]
    pac = Pac([customer("norte", rfcs, burn=5.0), customer("sur", RFCS[12:14])])
    async with pac.serve() as url:
        await killed_after_readings(tmp_path, pac, url, rfcs)
        calls = pac.calls.copy()
        config = configure(
            tmp_path,
            account(url, "norte", rfcs, interval="1h"),
            account(url, "sur", RFCS[12:14]),
        )
        async with running(config) as service:
            await until(lambda: pac.calls[RFCS[12]] >= 2 and pac.calls[RFCS[13]] >= 2)
            assert {rfc: pac.calls[rfc] for rfc in rfcs} == calls
            await service.stop()
        async with Core(load(config)) as core:
            schedule = Schedule(core.turn)
            await schedule.apply(core.config.targets, core.age)
            due = [schedule.next_due(("norte", rfc)) for rfc in rfcs]
    assert all(seconds is not None and 3480 < seconds <= 3600 for seconds in due), due


async def test_sigterm_writes_every_reading(tmp_path: Path) -> None:
    rfcs = RFCS[:100]
    pac = Pac([customer("norte", rfcs)])
    async with pac.serve() as url:
        config = configure(tmp_path, account(url, "norte", rfcs, max_in_flight=4))
        async with running(config) as service:
            await service.until(lambda m: len(consumed(m)) == len(rfcs))
            for issuer in pac.accounts["ws@norte.example"].issuers.values():
                issuer.burn = 20.0
            await service.until(lambda m: all(consumed(m).values()))
            assert await service.stop() == 0
    stored = (await peek(load(config).state.url)).kept
    for rfc, issuer in pac.accounts["ws@norte.example"].issuers.items():
        kept = stored["norte", rfc]
        assert kept.reading is not None
        assert (kept.reading.used, kept.consumed) == (issuer.used, issuer.used - 100)  # of the last answer


async def test_a_second_service_on_the_same_database_is_refused_until_the_first_is_dead(
    tmp_path: Path,
) -> None:
    pac = Pac([customer("norte", RFCS[:3])])
    async with pac.serve() as url:
        config = configure(tmp_path, account(url, "norte", RFCS[:3]))
        async with running(config) as first:
            async with command("run", "--config", str(config)) as second:
                assert await asyncio.wait_for(second.process.wait(), 30) == 1
            assert second.output == []
            assert len(second.log) == 1
            assert f"is locked by process {first.process.pid}" in second.log[0]
            assert first.process.returncode is None
            first.process.kill()
        async with running(config) as third:
            await third.until(lambda m: m.total("timbres_up") == 3)


# The disk


@contextmanager
def moved_away(folder: Path) -> Iterator[None]:
    """Where the directory was is a file: nothing can be read or written, not by root either."""
    elsewhere = folder.with_name("elsewhere")
    folder.rename(elsewhere)
    folder.touch()
    yield
    folder.unlink()
    elsewhere.rename(folder)


@contextmanager
def locked(database: Path, *, against_readers: bool = False) -> Iterator[None]:
    """Somebody else is in the middle of a transaction."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=10)) as stranger:
        if against_readers:
            stranger.execute("PRAGMA locking_mode = EXCLUSIVE")
        stranger.execute("BEGIN EXCLUSIVE")
        yield
        stranger.execute("ROLLBACK")


@contextmanager
def full(process: int) -> Iterator[None]:
    """No file of the process can grow."""
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (0, before[1]))
    yield
    resource.prlimit(process, resource.RLIMIT_FSIZE, before)


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["full", "gone", "locked"])
async def test_while_nothing_can_be_written_proven_accounts_go_on_and_unproven_ones_wait(
    trouble: str, tmp_path: Path
) -> None:
    norte, cambio, nuevo = RFCS[:20], RFCS[20:23], RFCS[23:26]
    pac = Pac([customer("norte", norte, burn=5.0), customer("cambio", cambio), customer("nuevo", nuevo)])
    folder = tmp_path / "state"
    folder.mkdir()
    database = folder / "timbres.db"
    async with pac.serve() as url:
        state = {"url": f"sqlite:///{database}"}
        known = account(url, "norte", norte), account(url, "cambio", cambio)
        config = configure(tmp_path, *known, state=state)
        async with running(config) as service:
            before = await service.until(
                lambda m: (
                    m.total("timbres_up") == 23
                    and m("timbres_state_writable") == 1
                    and all(m.all("timbres_consumed_total", account="norte").values())
                )
            )
            outage = {
                "full": full(service.process.pid),
                "gone": moved_away(folder),
                "locked": locked(database),
            }[trouble]
            with outage:
                configure(tmp_path, *known, account(url, "nuevo", nuevo), state=state)
                service.hang_up()
                pac.rotate("ws@cambio.example", "another")
                during = await service.until(
                    lambda m: (
                        m("timbres_state_writable") == 0
                        and (m("timbres_state_queue") or 0) >= 20
                        and m("timbres_account_held", account="cambio") == 1
                    )
                )
                await turned_away(service, "nuevo")
                errors = during("timbres_state_write_errors_total") or 0
                used = during.all("timbres_used", account="norte")
                later = await service.until(
                    lambda m: (
                        (m("timbres_state_write_errors_total") or 0) > errors + 1
                        and all(
                            value > used[rfc] for rfc, value in m.all("timbres_used", account="norte").items()
                        )
                    )
                )
                # Readings go on in memory; what is not on the disk is not counted as consumed.
                assert len(used) == 20
                assert consumed(later) == consumed(during)
                assert (later("timbres_state_queue") or 0) >= 20
                # Only what has worked is used, and a refusal holds without a disk too.
                assert [pac.calls[rfc] for rfc in nuevo] == [0, 0, 0]
                assert pac.wrong_logins == {"ws@cambio.example": 1}
                assert (await service.metrics())("timbres_account_unproven", account="nuevo") == 1
            after = await service.until(
                lambda m: (
                    m("timbres_state_writable") == 1
                    and m("timbres_state_queue") == 0
                    and m.total("timbres_up", account="nuevo") == 3
                    and all(
                        m("timbres_consumed_total", account="norte", rfc=rfc) >= used[rfc] - 100
                        for rfc in norte
                    )
                )
            )
            assert all(
                consumed(after)[key] > value for key, value in consumed(before).items() if key[0] == "norte"
            )
            service.process.kill()
        async with running(config) as service:
            scrape = await first_ready(service)
            assert all(value >= consumed(after)[key] for key, value in consumed(scrape).items())
            assert consumed(scrape).keys() >= consumed(after).keys()
            assert held(scrape) == {"cambio"}
            await service.until(lambda m: m.total("timbres_up") == 23)
    assert pac.wrong_logins == {"ws@cambio.example": 1}
    assert not list(folder.glob("*.corrupt-*"))


LIMITED = (
    sys.executable,
    "-c",
    "import os, resource, sys\n"
    "hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))\n"
    "os.execv(sys.argv[1], sys.argv[1:])",
)


@asynccontextmanager
async def started_in(
    trouble: str, config: Path, folder: Path
) -> AsyncIterator[tuple[Service, Callable[[], None]]]:
    """A service that began without a usable database, and how the trouble ends."""
    database = folder / "timbres.db"
    if trouble == "full":
        async with running(config, wrapper=LIMITED) as service:
            hard = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE)[1]
            yield (
                service,
                lambda: resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (hard, hard)) and None,
            )
        return
    outage = moved_away(folder) if trouble == "gone" else locked(database, against_readers=trouble != "busy")
    ends = outage.__enter__, lambda: outage.__exit__(None, None, None)
    ends[0]()
    async with running(config) as service:
        yield service, lambda: ends[1]() and None


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["full", "gone", "locked", "busy"])
async def test_a_start_without_a_usable_database_sends_nothing_until_there_is_one(
    trouble: str, tmp_path: Path
) -> None:
    norte, malo = RFCS[:5], RFCS[5:8]
    pac = Pac([customer("norte", norte), customer("malo", malo)])
    folder = tmp_path / "state"
    folder.mkdir()
    async with pac.serve() as url:
        config = configure(
            tmp_path,
            account(url, "norte", norte),
            account(url, "malo", malo, password="n0t-this"),
            state={"url": f"sqlite:///{folder / 'timbres.db'}"},
        )
        async with running(config) as service:  # what is lost if the database is not waited for
            before = await service.until(lambda m: len(consumed(m)) == 5 and held(m) == {"malo"})
            await service.stop()
        calls = pac.calls.copy()
        async with started_in(trouble, config, folder) as (service, end):
            first = await service.until(lambda m: m("timbres_state_writable") == 0)
            errors = first("timbres_state_write_errors_total") or 0
            later = await service.until(lambda m: (m("timbres_state_write_errors_total") or 0) > errors + 1)
            await turned_away(service, "norte")
            assert pac.calls == calls
            # What can be read is shown.
            assert consumed(later) == (consumed(before) if trouble == "busy" else {})
            async with service.http.get(f"{service.address}/-/ready") as response:
                assert response.status == (200 if trouble == "busy" else 503)
            end()
            after = await service.until(
                lambda m: m("timbres_state_writable") == 1 and m.total("timbres_up") == 5
            )
            assert consumed(after) == consumed(before)
            assert held(after) == {"malo"}
            await service.get("/-/ready")
    assert pac.wrong_logins == {"ws@malo.example": 1}
    assert not list(folder.glob("*.corrupt-*"))


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["garbage", "truncated"])
async def test_a_corrupt_database_is_set_aside_loudly_and_the_service_begins_anew(
    damage: str, tmp_path: Path
) -> None:
    norte, malo = RFCS[:100], RFCS[100:103]
    pac = Pac([customer("norte", norte), customer("malo", malo)])
    async with pac.serve() as url:
        config = configure(
            tmp_path,
            account(url, "norte", norte, max_in_flight=4),
            account(url, "malo", malo, password="n0t-this"),
        )
        async with running(config) as service:
            await service.until(lambda m: len(consumed(m)) == 100 and held(m) == {"malo"})
            await service.stop()
        database = tmp_path / "timbres.db"
        whole = database.read_bytes()
        broken = whole[: len(whole) // 2] if damage == "truncated" else b"\xa5" * len(whole)
        database.write_bytes(broken)
        pac.faults["*"] = "500"  # nothing is proved for now
        async with running(config, "--answered", "0", program=IMPATIENT, env=ENV) as service:
            assert "error" in await service.until_log("database corrupt: set aside")
            (aside,) = (
                path for path in tmp_path.glob("*.corrupt-*") if not path.name.endswith(("-wal", "-shm"))
            )
            assert aside.read_bytes() == broken
            scrape = await service.until(lambda m: m.total("timbres_poll_errors_total", account="norte") > 0)
            assert scrape.all("timbres_account_unproven") == {"norte": 1, "malo": 1}
            assert consumed(scrape) == {}
            assert held(scrape) == set()
            pac.faults.clear()
            await service.until(lambda m: m.total("timbres_up") == 100 and held(m) == {"malo"})
    # The hold went with the database: one more login found it out again.
    assert pac.wrong_logins == {"ws@malo.example": 2}


# In one process, moments that no real one can be stopped at


def small(folder: Path, url: str, **rest: Any) -> Path:
    return configure(folder, account(url, "norte", RFCS[:3]), **rest)


async def turns(core: Core) -> None:
    for target in core.config.targets:
        assert isinstance(await core.turn(target, 0.0), Reading)


async def test_a_write_that_is_cancelled_by_the_stop_is_made_up_for_at_the_end(tmp_path: Path) -> None:
    pac = Pac([customer("norte", RFCS[:3])])
    async with pac.serve() as url:
        config = load(small(tmp_path, url))
        async with Core(config) as core:
            await turns(core)
            with locked(tmp_path / "timbres.db"):
                write = asyncio.create_task(core.flush())
                for _ in range(10):  # it goes as far as it gets without the disk
                    await asyncio.sleep(0)
                assert not write.done()
                write.cancel()
                await (
                    core.requests()
                )  # the writer's thread does one thing after the other: that write has failed
    assert len((await peek(config.state.url)).kept) == 3


async def test_targets_whose_write_is_under_way_still_wait(tmp_path: Path) -> None:
    pac = Pac([customer("norte", RFCS[:3])])
    async with pac.serve() as url, Core(load(small(tmp_path, url))) as core:
        await turns(core)
        with locked(tmp_path / "timbres.db"):
            write = asyncio.create_task(core.flush())
            while not write.done():
                assert core.snapshot().store.queue == 3
                await asyncio.sleep(0.01)
        await core.flush()
        assert core.snapshot().store.queue == 0


async def test_more_than_is_stored_at_once_is_stored_or_waits(tmp_path: Path) -> None:
    many = list(islice(issuers.rfcs(), 2 * BATCH + 5))
    config = load(configure(tmp_path, account("http://127.0.0.1:9/", "norte", many)))
    async with Core(config) as core:
        for target in config.targets:
            core.keep(target, Reading(1_790_000_000.0, 10, 4, 6, "200"))
        with locked(tmp_path / "timbres.db"):
            await core.flush()
            status = core.snapshot().store
            assert (status.queue, status.write_errors) == (len(many), 1)
        await core.flush()
        assert core.snapshot().store.queue == 0
        assert all(row.committed == 0 for row in core.state.rows())
    assert len((await peek(config.state.url)).kept) == len(many)


async def test_a_lock_that_somebody_takes_while_the_database_is_waited_for_is_waited_for_too(
    tmp_path: Path,
) -> None:
    ready, folder = tmp_path / "ready", tmp_path / "state"
    ready.mkdir()
    pac = Pac([customer("norte", RFCS[:3])])
    async with pac.serve() as url:
        config = load(small(tmp_path, url, state={"url": f"sqlite:///{folder / 'timbres.db'}"}))
        async with Core(config) as core:
            assert not core.loaded
            with (ready / "timbres.db.lock").open("w") as lock:
                flock(lock, LOCK_EX)
                ready.rename(folder)
                errors = core.snapshot().store.write_errors
                await core.flush()
                assert core.snapshot().store.write_errors == errors + 1
                assert not core.loaded
            await core.flush()
            assert core.loaded
            await turns(core)


async def test_a_database_that_comes_late_gives_every_rfc_its_turn_back(tmp_path: Path) -> None:
    pac = Pac([customer("norte", RFCS[:3]), customer("sur", RFCS[3:4])])
    clock = Clock()
    async with pac.serve() as url:
        path = configure(tmp_path, account(url, "norte", RFCS[:3]), poll={"interval": "1h"})
        async with Core(load(path), wall=clock.wall) as core:
            await turns(core)
        both = account(url, "norte", RFCS[:3]), account(url, "sur", RFCS[3:4])
        path = configure(tmp_path, *both, poll={"interval": "1h"})
        clock.now += 60
        with locked(tmp_path / "timbres.db", against_readers=True):
            monitor = Monitor(load(path), clock=clock, wall=clock.wall)
            await monitor.__aenter__()
            assert not monitor.ready
        await until(lambda: monitor.ready)
        clock.now += FIRST  # the one that was never asked has its turn
        await until(lambda: pac.calls[RFCS[3]] == 1)
        await monitor.__aexit__(None, None, None)
    assert [pac.calls[rfc] for rfc in RFCS[:4]] == [1, 1, 1, 1]
