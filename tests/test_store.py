"""What the store was told outlives crashes, full disks and damaged files."""

import asyncio
import math
import os
import random
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from structlog.testing import capture_logs

from monitor.model import Forecast, Kept, Key, Reading, Refusal, Standing
from monitor.store import (
    Loaded,
    Locked,
    Point,
    Store,
    StoreUnavailable,
    peek,
    request_rearm,
    schema,
    sqlite,
    withdraw,
)

NOW = 1_790_000_000.0
DAY = 86400.0
NORTE, AMPERSAND, POOL = ("norte", "EKU9003173C9"), ("norte", "H&E951128469"), ("Ñandú", "implementacion")
SOON_GONE, JUST_SEEN = ("sur", "EKU9003173C9"), ("sur", "H&E951128469")
CREDENTIAL = ("https://pac.example/ws/services/Utilerias", "ws@norte.example", 'pa55 "wörd"&<secret>')
HELD = Standing(
    worked=True,
    hold="601",
    lost=2,
    wait=600.0,
    intent="A",
    at=NOW + 0.25,
    rfc="B",
    text="no",
    refusals=(Refusal("B", "601", "no"),),
)


def kept(used: int = 40, at: float = NOW, consumed: int | None = None, code: str = "200") -> Kept:
    return Kept(at, Reading(at, 1000, used, 1000 - used, code), used if consumed is None else consumed)


def point(used: int = 40, at: float = NOW, consumed: int | None = None) -> Point:
    return Point(math.floor(at), 1000, used, 1000 - used, used if consumed is None else consumed)


def url(directory: Path) -> str:
    return f"sqlite:///{directory}/timbres.db"


def database(directory: Path) -> Path:
    return directory / "timbres.db"


@asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[Store]:
    store = Store(url(directory))
    try:
        await store.open()
        yield store
    finally:
        await store.close()


async def loaded(directory: Path) -> Loaded:
    store = Store(url(directory))
    try:
        return await store.open()
    finally:
        await store.close()


def files(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def execute(directory: Path, *statements: str) -> None:
    connection = sqlite3.connect(database(directory), isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


@contextmanager
def foreign(directory: Path, *statements: str) -> Iterator[sqlite3.Connection]:
    """Somebody else in the middle of something."""
    connection = sqlite3.connect(database(directory), isolation_level=None)
    try:
        for statement in statements:
            connection.execute(statement)
        yield connection
    finally:
        connection.close()


PROGRAM = """
import asyncio, os, resource, sys
import structlog
from monitor.model import Kept, Reading, Standing
from monitor.store import Locked, Store, StoreUnavailable

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))

def say(*words):
    print(*words, flush=True)

def kept(used):
    return Kept(1e9 + used, Reading(1e9 + used, 1000, used, 1000 - used, "200"), used)

def limit(size):  # of files, as a full disk
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

async def main(url):
    store = Store(url)
"""


def program(directory: Path, body: str) -> list[str]:
    """A process of its own with a store that is not open yet."""
    indented = "".join(f"    {line}\n" for line in body.strip("\n").splitlines())
    return [sys.executable, "-c", f"{PROGRAM}{indented}\nasyncio.run(main({url(directory)!r}))"]


def run(directory: Path, body: str) -> list[str]:
    done = subprocess.run(program(directory, body), capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


# What is kept


async def test_a_new_store_holds_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        assert store.writable
        assert store.write_errors == 0
        assert await store.take_requests(0.0) == []
        assert await store.history(NORTE, 0.0) == []
    assert await loaded(tmp_path) == Loaded({}, {}, None)


async def test_targets_come_back_as_they_were(tmp_path: Path) -> None:
    told: dict[Key, Kept] = {
        NORTE: kept(),
        AMPERSAND: Kept(NOW + 0.125, Reading(NOW - 5.5, None, None, 0, "631"), 0),
        POOL: Kept(NOW + 1, None, None),
        SOON_GONE: Kept(NOW, Reading(NOW, 9, 1, 8, "200"), 1, Forecast(NOW + 0.5, 86400.25, 12)),
        JUST_SEEN: Kept(NOW, Reading(NOW, 9, 1, 8, "200"), 1, Forecast(NOW, None, None)),
    }
    async with opened(tmp_path) as store:
        assert await store.write(told, NOW + 2)
    assert await loaded(tmp_path) == Loaded(told, {}, NOW + 2)


async def test_a_target_is_overwritten_and_the_others_stay(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.write({NORTE: kept(), POOL: kept(7)}, NOW)
        await store.write({NORTE: kept(41, NOW + 900)}, NOW + 900)
    async with opened(tmp_path) as store:
        await store.write({AMPERSAND: kept(3)}, NOW + 901)
    assert (await loaded(tmp_path)).kept == {NORTE: kept(41, NOW + 900), POOL: kept(7), AMPERSAND: kept(3)}


async def test_standings_come_back_as_they_were(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        assert await store.save_standing("a", Standing())
        assert await store.save_standing("b", Standing(intent="A"))
        assert await store.save_standing("b", HELD)
    assert (await loaded(tmp_path)).standings == {"a": Standing(), "b": HELD}


async def test_calls_are_done_in_their_order(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        done = await asyncio.gather(*(store.save_standing("a", Standing(lost=n)) for n in range(50)))
        assert all(done)
    assert (await loaded(tmp_path)).standings == {"a": Standing(lost=49)}


async def test_a_path_may_hold_whatever_a_path_may_hold(tmp_path: Path) -> None:
    directory = tmp_path / "a %20b&c=d+é"
    directory.mkdir()
    async with opened(directory) as store:
        await store.write({NORTE: kept()}, NOW)
        assert "timbres.db" in files(directory)
    assert (await peek(url(directory))).kept == {NORTE: kept()}


async def test_before_it_is_open_nothing_is_written_and_after_it_is_closed_neither(tmp_path: Path) -> None:
    store = Store(url(tmp_path))
    assert not await store.save_standing("a", HELD)
    assert not await store.write({NORTE: kept()}, NOW)
    with pytest.raises(RuntimeError, match="not open"):
        store.fingerprint(CREDENTIAL)
    assert files(tmp_path) == set()
    await store.open()
    await store.close()
    await store.close()
    assert not await store.save_standing("a", HELD)
    assert await store.take_requests(0.0) == []
    assert await loaded(tmp_path) == Loaded({}, {}, None)


@pytest.mark.parametrize("size", [1, 9, 10, 11, 50, 61, 249, 250, 261])
async def test_any_number_of_targets_is_stored_and_stored_over(tmp_path: Path, size: int) -> None:
    keys: list[Key] = [("norte", f"rfc{number}") for number in range(size)]
    first = {key: kept(number) for number, key in enumerate(keys)}
    later = {key: kept(number + 1, NOW + 60) for number, key in enumerate(keys)}
    async with opened(tmp_path) as store:
        await store.write(first, NOW)
        await store.write(later, NOW + 60)
    assert (await peek(url(tmp_path))).kept == later


async def test_keys_that_are_known_are_not_made_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.write({NORTE: kept()}, NOW)
    known: Key = ("".join(NORTE[0]), "".join(list(NORTE[1])))
    store = Store(url(tmp_path))
    loaded = await store.open([known])
    await store.close()
    assert [key is known for key in loaded.kept] == [True]


# History


async def test_history_has_a_row_for_each_change_in_order(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        for used, at in ((40, 0.0), (40, 900.0), (43, 1800.5), (43, 2700.0), (50, 3600.0)):
            await store.write({NORTE: kept(used, NOW + at), POOL: kept(1, NOW + at)}, NOW + at)
        changes = [point(40), point(43, NOW + 1800), point(50, NOW + 3600)]
        assert await store.history(NORTE, 0.0) == changes
        assert await store.history(NORTE, NOW + 1800) == changes[1:]
        assert await store.history(POOL, 0.0) == [point(1)]


@pytest.mark.parametrize(
    ("since", "begins"), [(-5.0, 40), (0.0, 40), (0.5, 40), (1799.5, 40), (1800, 43), (1800.5, 43), (9e9, 50)]
)
async def test_history_begins_with_the_change_that_held_at_the_time_in_question(
    tmp_path: Path, since: float, begins: int
) -> None:
    changes = [point(40), point(43, NOW + 1800), point(50, NOW + 3600)]
    async with opened(tmp_path) as store:
        for change in changes:
            await store.write({NORTE: kept(change.used or 0, change.at), POOL: kept(1, NOW - 9)}, NOW)
        found = await store.history(NORTE, NOW + since)
    assert found == [change for change in changes if (change.used or 0) >= begins]


async def test_each_of_the_four_numbers_makes_a_change_and_code_and_time_do_not(tmp_path: Path) -> None:
    readings = [
        Kept(NOW, Reading(NOW, None, None, 0, "631"), 0),
        Kept(NOW + 1, Reading(NOW + 1, None, None, 0, "630"), 0),
        Kept(NOW + 2, Reading(NOW + 2, 0, None, 0, "200"), 0),
        Kept(NOW + 3, Reading(NOW + 3, 0, 0, 0, "200"), 0),
        Kept(NOW + 4, Reading(NOW + 4, 0, 0, 1, "200"), 0),
        Kept(NOW + 5, Reading(NOW + 5, 0, 0, 1, "200"), 1),
        Kept(NOW + 9, Reading(NOW + 5, 0, 0, 1, "200"), 1),  # a poll that failed
    ]
    async with opened(tmp_path) as store:
        for reading in readings:
            await store.write({NORTE: reading}, NOW)
        assert [p.at - NOW for p in await store.history(NORTE, 0.0)] == [0, 2, 3, 4, 5]


async def test_of_two_changes_within_a_second_the_later_stays(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.write({NORTE: kept(40, NOW + 0.25)}, NOW)
        await store.write({NORTE: kept(41, NOW + 0.75)}, NOW)
        assert await store.history(NORTE, 0.0) == [point(41)]


async def test_after_a_restart_only_a_change_makes_a_row(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.write({NORTE: kept(), POOL: Kept(NOW, None, None)}, NOW)
    async with opened(tmp_path) as store:
        await store.write({NORTE: kept(40, NOW + 900), POOL: kept(1, NOW + 900)}, NOW + 900)
        assert await store.history(NORTE, 0.0) == [point(40)]
        assert await store.history(POOL, 0.0) == [point(1, NOW + 900)]


async def test_a_clock_set_back_loses_no_history(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        for used, at in ((1, NOW), (2, NOW + 900), (3, 5.0), (4, NOW + 1800)):
            await store.write({NORTE: kept(used, at)}, at)
        assert await store.history(NORTE, 0.0) == [
            point(3, 5.0), point(1), point(2, NOW + 900), point(4, NOW + 1800)
        ]  # fmt: skip


# Crashes


LOOP = """
await store.open()
number = int(sys.stdin.readline())
while True:
    number += 1
    if await store.write({("norte", f"rfc{i}"): kept(number) for i in range(40)}, float(number)):
        say("readings", number)
    if await store.save_standing("a", Standing(worked=True, hold="601", lost=number)):
        say("hold", number)
"""


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    chance = random.Random(8630)

    async def rounds(directory: Path) -> int:
        directory.mkdir()
        number = acknowledged = 0
        last = {b"readings": 0, b"hold": 0}
        for _ in range(5):
            process = await asyncio.create_subprocess_exec(
                *program(directory, LOOP), stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(b"%d\n" % number)
            # Some are killed while they open, most while they write.
            first = await process.stdout.readline() if chance.random() < 0.8 else b""
            await asyncio.sleep(chance.random() * 0.2)
            process.kill()
            told = (first + await process.stdout.read()).split(b"\n")[:-1]
            await process.wait()
            last |= {word: int(count) for word, count in (line.split() for line in told)}
            acknowledged += len(told)
            async with opened(directory) as store:
                history = await store.history(("norte", "rfc7"), 0.0)
            found = await loaded(directory)
            consumed = {target.consumed for target in found.kept.values()}
            assert len(found.kept) in (0, 40)  # all or nothing
            assert len(consumed) <= 1
            number = max((count or 0 for count in consumed), default=0)
            assert number >= last[b"readings"]
            assert [p.consumed for p in history] == list(range(1, number + 1))
            standing = found.standings.get("a", Standing())
            assert standing.lost >= last[b"hold"]
            assert standing.hold == ("601" if standing.lost else None)
        return acknowledged

    told = await asyncio.gather(*(rounds(tmp_path / str(n)) for n in range(4)))
    assert min(told) > 0


# The lock


async def test_a_second_process_is_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *program(tmp_path, 'await store.open()\nsay("open")\nawait asyncio.sleep(60)'), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"open\n"
    store = Store(url(tmp_path))
    with pytest.raises(Locked) as refusal:
        await store.open()
    assert str(refusal.value) == f"{tmp_path}/timbres.db.lock is locked by process {process.pid}"
    process.kill()
    await process.wait()
    assert await store.open() == Loaded({}, {}, None)
    assert (tmp_path / "timbres.db.lock").read_text() == f"{os.getpid()} service\n"
    await store.close()


async def test_the_refused_one_has_created_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path):
        database(tmp_path).rename(tmp_path / "elsewhere")  # whatever happens to the rest
        before = files(tmp_path)
        with pytest.raises(Locked):
            await loaded(tmp_path)
        assert files(tmp_path) == before


async def test_closing_releases_the_lock_and_the_file_stays(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    async with opened(tmp_path):
        pass
    assert files(tmp_path) == {"timbres.db", "timbres.db.key", "timbres.db.lock", "timbres.db.reserve"}


async def test_a_link_leads_to_the_same_lock(tmp_path: Path) -> None:
    (tmp_path / "linked").mkdir()
    database(tmp_path / "linked").symlink_to(database(tmp_path))
    async with opened(tmp_path):
        with pytest.raises(Locked):
            await loaded(tmp_path / "linked")


# The key, and what others may read


async def test_the_fingerprint_is_stable_and_another_for_every_other_credential(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        first = store.fingerprint(CREDENTIAL)
        others = {store.fingerprint(c) for c in (("ab", "c", "d"), ("a", "bc", "d"), ("a", "b", "cd"))}
        assert len(others) == 3
        assert store.fingerprint(("a", "b", "\udcff")) not in others
    async with opened(tmp_path) as store:
        assert store.fingerprint(CREDENTIAL) == first
    assert len(bytes.fromhex(first)) == 32
    (tmp_path / "other").mkdir()
    async with opened(tmp_path / "other") as store:
        assert store.fingerprint(CREDENTIAL) != first


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_only_the_owner_may_read_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    body = f"os.umask({umask})\nawait store.open()\nawait store.save_standing('a', Standing())\nos._exit(0)"
    run(tmp_path, body)
    assert {path.name: mode(path) for path in tmp_path.iterdir()} == dict.fromkeys(
        (
            "timbres.db",
            "timbres.db-wal",
            "timbres.db-shm",
            "timbres.db.key",
            "timbres.db.lock",
            "timbres.db.reserve",
        ),
        0o600,
    )


async def test_a_lost_key_is_replaced_with_a_warning(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.write({NORTE: kept()}, NOW)
        first = store.fingerprint(CREDENTIAL)
    (tmp_path / "timbres.db.key").unlink()
    with capture_logs() as logs:
        async with opened(tmp_path) as store:
            assert store.fingerprint(CREDENTIAL) != first
    assert [(line["log_level"], line["event"]) for line in logs] == [
        ("warning", "key file gone: a new one begun, stored holds are void")
    ]
    assert (await loaded(tmp_path)).kept == {NORTE: kept()}


async def test_a_first_start_warns_of_nothing(tmp_path: Path) -> None:
    with capture_logs() as logs:
        await loaded(tmp_path)
    assert logs == []


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33])
async def test_a_key_of_another_length_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "timbres.db.key").write_bytes(content)
    with pytest.raises(StoreUnavailable, match=r"timbres\.db\.key: not a key of 32 bytes"):
        await loaded(tmp_path)
    assert (tmp_path / "timbres.db.key").read_bytes() == content
    assert not database(tmp_path).exists()


async def test_half_a_key_of_a_crashed_start_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "timbres.db.key.new").write_bytes(b"half")
    await loaded(tmp_path)
    assert (tmp_path / "timbres.db.key").stat().st_size == 32
    assert "timbres.db.key.new" not in files(tmp_path)


async def test_no_file_holds_any_part_of_a_credential(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.save_standing(store.fingerprint(CREDENTIAL), HELD)
        await store.write({NORTE: kept()}, NOW)
        contents = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert store.fingerprint(CREDENTIAL).encode() in contents
    contents += b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for part in (*CREDENTIAL, "norte.example", "pa55", "secret", "pac.example"):
        for encoding in ("utf-8", "utf-16-le", "latin-1"):
            assert part.encode(encoding) not in contents


# Damaged files


def garbage(path: Path) -> None:
    path.write_bytes(b"\x00\xff garbage" * 3000)


def a_text(path: Path) -> None:
    path.write_text("hello")


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 // 4096 * 4096)


def one_page_overwritten(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 * 2 : 4096 * 3] = b"\xa5" * 4096
    path.write_bytes(content)


def schema_overwritten(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100:4096] = os.urandom(3996)
    path.write_bytes(content)


def without(statement: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        execute(path.parent, statement)

    damage.__name__ = statement.replace(" ", "_")
    return damage


DAMAGES = [
    garbage,
    a_text,
    truncated,
    one_page_overwritten,
    schema_overwritten,
    without("ALTER TABLE target DROP COLUMN consumed"),
    without("DROP TABLE credential"),
    without("DELETE FROM meta"),
    without("UPDATE meta SET value = 'one' WHERE name = 'version'"),
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
async def test_a_corrupt_database_is_set_aside_loudly(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    async with opened(tmp_path) as store:
        await store.write({("norte", f"rfc{n}"): kept(n) for n in range(500)}, NOW)
        await store.save_standing("a", HELD)
        fingerprint = store.fingerprint(CREDENTIAL)
    damage(database(tmp_path))
    damaged = database(tmp_path).read_bytes()
    with capture_logs() as logs:
        async with opened(tmp_path) as store:
            assert store.fingerprint(CREDENTIAL) == fingerprint
            assert await store.history(("norte", "rfc1"), 0.0) == []
            assert await store.write({NORTE: kept()}, NOW)
    assert [(line["log_level"], line["event"]) for line in logs] == [
        ("error", "database corrupt: set aside, a new one begun")
    ]
    assert "\n" not in logs[0]["reason"]
    (aside,) = tmp_path.glob("timbres.db.corrupt-????????T??????Z")
    assert logs[0]["aside"] == str(aside)
    assert aside.read_bytes() == damaged
    assert mode(database(tmp_path)) == 0o600
    assert await loaded(tmp_path) == Loaded({NORTE: kept()}, {}, NOW)


async def test_what_was_set_aside_is_never_overwritten(tmp_path: Path) -> None:
    for content in (b"first" * 999, b"second" * 999, b"third" * 999):
        database(tmp_path).write_bytes(content)
        await loaded(tmp_path)
    asides = sorted(path.read_bytes()[:5] for path in tmp_path.glob("timbres.db.corrupt-*"))
    assert asides == [b"first", b"secon", b"third"]


@pytest.mark.parametrize("damage", [garbage, one_page_overwritten], ids=lambda damage: damage.__name__)
async def test_the_log_of_a_corrupt_database_goes_with_it(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    (tmp_path / "killed").mkdir()
    async with opened(tmp_path) as store:
        await store.write({("norte", f"rfc{n}"): kept(n) for n in range(500)}, NOW)
    async with opened(tmp_path) as store:
        await store.write({NORTE: kept()}, NOW)
        for name in ("timbres.db", "timbres.db-wal", "timbres.db-shm", "timbres.db.key"):
            shutil.copy(tmp_path / name, tmp_path / "killed" / name)
    damage(database(tmp_path / "killed"))
    log = (tmp_path / "killed" / "timbres.db-wal").read_bytes()
    assert await loaded(tmp_path / "killed") == Loaded({}, {}, None)
    (aside,) = (tmp_path / "killed").glob("timbres.db.corrupt-*Z")
    assert aside.with_name(f"{aside.name}-wal").read_bytes() == log


async def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    database(tmp_path).touch()
    with capture_logs() as logs:
        async with opened(tmp_path) as store:
            assert await store.write({NORTE: kept()}, NOW)
    assert logs == []


async def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    execute(tmp_path, "CREATE TABLE dashboard (id INTEGER)")
    with pytest.raises(StoreUnavailable, match=r"timbres\.db: a database of something else"):
        await loaded(tmp_path)
    assert list(tmp_path.glob("*.corrupt-*")) == []


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.write({NORTE: kept()}, NOW)
    newer = 2 + len(schema.MIGRATIONS)
    execute(tmp_path, f"UPDATE meta SET value = '{newer}' WHERE name = 'version'", "DROP TABLE credential")
    for open_it in (loaded(tmp_path), peek(url(tmp_path)), request_rearm(url(tmp_path), ["norte"])):
        with pytest.raises(StoreUnavailable, match=rf"timbres\.db: of version {newer}"):
            await open_it
    assert list(tmp_path.glob("*.corrupt-*")) == []


async def test_an_older_database_is_made_current_once_or_not_at_all(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.write({NORTE: kept()}, NOW)
    done: list[str] = []

    def add(connection: Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE target ADD COLUMN note TEXT")
        done.append("add")

    def fail(connection: Connection) -> None:
        connection.exec_driver_sql("DROP TABLE request")
        raise ZeroDivisionError

    path = database(tmp_path)
    engine = sqlite.engine(path)
    current = schema.MIGRATIONS
    with pytest.raises(ZeroDivisionError), engine.begin() as connection:
        schema.prepare(connection, path, (*current, add, fail))
    for _ in range(2):
        with engine.begin() as connection:
            assert not schema.prepare(connection, path, (*current, add))
            assert schema.version(connection, path) == 2 + len(current)
            assert connection.exec_driver_sql("SELECT rfc, note FROM target").all() == [(NORTE[1], None)]
    engine.dispose()
    assert done == ["add", "add"]  # the first was undone


# What is not there


async def test_a_directory_in_its_place_is_told(tmp_path: Path) -> None:
    database(tmp_path).mkdir()
    with pytest.raises(StoreUnavailable, match=r"timbres\.db: not a file"):
        await loaded(tmp_path)


async def test_a_directory_that_is_missing_is_told_and_may_come(tmp_path: Path) -> None:
    store = Store(url(tmp_path / "later"))
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match=r"later/timbres\.db\.lock: No such file or directory"):
            await store.open()
    (tmp_path / "later").mkdir()
    assert await store.open() == Loaded({}, {}, None)
    await store.close()


async def test_a_path_under_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match=r"timbres\.db\.lock: Not a directory"):
        await loaded(tmp_path / "file")


NOBODY = "if os.geteuid() == 0:\n    os.setuid(65534)\n"


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that can be reached by everybody."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)
        Path(name).chmod(0o777)


def test_a_read_only_directory_is_told(public: Path) -> None:
    public.chmod(0o555)
    body = f"{NOBODY}try:\n    await store.open()\nexcept StoreUnavailable as error:\n    say(error)"
    assert run(public, body) == [f"{public}/timbres.db.lock: Permission denied"]
    assert files(public) == set()


def test_a_file_that_may_not_be_read_is_told_and_left_alone(public: Path) -> None:
    run(public, f"{NOBODY}await store.open()\nawait store.close()")
    database(public).chmod(0)
    body = f"{NOBODY}try:\n    await store.open()\nexcept StoreUnavailable as error:\n    say(error)"
    assert run(public, body) == [f"{public}/timbres.db: unable to open database file"]
    assert files(public) == {"timbres.db", "timbres.db.key", "timbres.db.lock", "timbres.db.reserve"}


def test_a_read_only_file_is_read_and_every_write_told(public: Path) -> None:
    run(public, f"{NOBODY}await store.open()\nawait store.save_standing('a', Standing(lost=3))\nos._exit(0)")
    database(public).chmod(0o444)
    body = """
loaded = await store.open()
say(loaded.standings["a"].lost, await store.save_standing("a", Standing()), store.write_errors)
"""
    assert run(public, NOBODY + body) == ["3 False 1"]


# Trouble while it runs


def test_a_full_disk_is_told_and_survived(tmp_path: Path) -> None:
    body = """
await store.open()
say(await store.write({("norte", "a"): kept(1)}, 1.0))
limit(os.stat(url.removeprefix("sqlite:///") + "-wal").st_size + 10000)
batch = {("norte", f"rfc{i}"): kept(2) for i in range(2000)} | {("norte", "a"): kept(2)}
say(await store.write(batch, 2.0), store.writable)
say(await store.write(batch, 2.0), store.write_errors)
limit(resource.RLIM_INFINITY)
say([point.used for point in await store.history(("norte", "a"), 0.0)])
say(await store.write(batch, 3.0), store.writable, store.write_errors)
say([point.used for point in await store.history(("norte", "a"), 0.0)])
await store.close()
say(len((await Store(url).open()).kept))
"""
    assert run(tmp_path, body) == ["True", "False False", "False 2", "[1]", "True True 2", "[1, 2]", "2001"]


def test_a_disk_that_is_full_at_the_first_start_leaves_nothing_broken(tmp_path: Path) -> None:
    body = """
for size in (0, 20, 40, 5000, 40000, resource.RLIM_INFINITY):
    limit(size)
    try:
        await store.open()
    except StoreUnavailable as error:
        say("no", error)
    else:
        break
limit(resource.RLIM_INFINITY)
say(await store.save_standing("a", Standing()))
"""
    lines = run(tmp_path, body)
    assert lines[0] == f"no {tmp_path}/timbres.db.key: File too large"
    assert lines[2] == f"no {tmp_path}/timbres.db: disk I/O error"
    assert lines[-1] == "True"
    assert (tmp_path / "timbres.db.key").stat().st_size == 32
    assert list(tmp_path.glob("*.corrupt-*")) == []


async def test_somebody_elses_transaction_is_told_once_and_outlasted(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.write({NORTE: kept()}, NOW)
        with capture_logs() as logs:
            with foreign(tmp_path, "BEGIN EXCLUSIVE"):
                assert not await store.write({NORTE: kept(41)}, NOW)
                assert not store.writable
                assert not await store.save_standing("a", HELD)
                assert await store.history(NORTE, 0.0) == [point()]
                assert await store.take_requests(0.0) == []
            assert await store.save_standing("a", HELD)
            assert await store.write({NORTE: kept(41, NOW + 1)}, NOW)
        assert store.writable
        assert store.write_errors == 2
        assert [(line["log_level"], line["event"]) for line in logs] == [
            ("error", "state not written"),
            ("info", "state written again"),
        ]
        assert logs[0]["error"] == f"{tmp_path}/timbres.db: database is locked"
        assert await store.history(NORTE, 0.0) == [point(), point(41, NOW + 1)]


@pytest.mark.parametrize("there", [True, False], ids=["an_old_one", "a_new_one"])
async def test_a_database_that_somebody_locks_may_be_opened_later(tmp_path: Path, there: bool) -> None:
    if there:
        async with opened(tmp_path) as store:
            await store.write({NORTE: kept()}, NOW)
    store = Store(url(tmp_path))
    with foreign(tmp_path, "PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE"):
        with pytest.raises(StoreUnavailable, match=r"timbres\.db: database is locked"):
            await store.open()
        with pytest.raises(Locked):  # it is still we who wait for it
            await loaded(tmp_path)
    assert (await store.open()).kept == ({NORTE: kept()} if there else {})
    await store.close()
    assert list(tmp_path.glob("*.corrupt-*")) == []


async def test_what_is_known_survives_the_loss_of_the_directory(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    directory.mkdir()
    async with opened(directory) as store:
        fingerprint = store.fingerprint(CREDENTIAL)
        await store.write({NORTE: kept(), POOL: kept(3)}, NOW)
        await store.save_standing(fingerprint, HELD)
        shutil.rmtree(directory)
        assert not await store.save_standing("b", Standing())
        assert not await store.write({NORTE: kept(41, NOW + 900)}, NOW)
        assert store.write_errors == 2
        directory.mkdir()
        assert await store.write({NORTE: kept(41, NOW + 900)}, NOW)
        assert await store.history(NORTE, 0.0) == [point(), point(41, NOW + 900)]
        with pytest.raises(Locked):
            await loaded(directory)
    async with opened(directory) as store:
        assert store.fingerprint(CREDENTIAL) == fingerprint
    found = await loaded(directory)
    assert found.kept == {NORTE: kept(41, NOW + 900), POOL: kept(3)}
    assert found.standings == {fingerprint: HELD}


async def test_a_database_replaced_by_rubbish_while_it_runs_is_set_aside(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.save_standing("a", HELD)
        for name in ("timbres.db", "timbres.db-wal", "timbres.db-shm"):
            (tmp_path / name).unlink()
        garbage(tmp_path / "rubbish")
        (tmp_path / "rubbish").rename(database(tmp_path))
        with capture_logs() as logs:
            assert await store.save_standing("b", Standing())
        assert [line["event"] for line in logs] == [
            "database gone or replaced",
            "database corrupt: set aside, a new one begun",
        ]
    assert (await loaded(tmp_path)).standings == {"a": HELD, "b": Standing()}


# Commands beside the service


async def test_a_look_beside_the_service_sees_what_it_wrote(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.write({NORTE: kept()}, NOW)
        await store.save_standing("a", HELD)
        before = files(tmp_path)
        assert await peek(url(tmp_path)) == Loaded({NORTE: kept()}, {"a": HELD}, NOW)
        assert files(tmp_path) == before
        await store.write({NORTE: kept(41)}, NOW + 1)
        assert (await peek(url(tmp_path))).kept == {NORTE: kept(41)}


async def test_a_look_without_the_service_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"timbres\.db: no database; has the service run\?"):
        await peek(url(tmp_path))
    with pytest.raises(StoreUnavailable, match="no database"):
        await request_rearm(url(tmp_path), ["norte"])
    assert files(tmp_path) == set()
    async with opened(tmp_path) as store:
        await store.write({NORTE: kept()}, NOW)
    before = files(tmp_path)
    assert (await peek(url(tmp_path))).kept == {NORTE: kept()}
    assert files(tmp_path) == before


async def test_a_look_after_a_crash_sees_everything(tmp_path: Path) -> None:
    run(tmp_path, "await store.open()\nawait store.save_standing('a', Standing(lost=3))\nos._exit(0)")
    before = files(tmp_path)
    assert "timbres.db-wal" in before
    assert (await peek(url(tmp_path))).standings == {"a": Standing(lost=3)}
    assert files(tmp_path) == before


async def test_a_look_at_something_else_is_told_and_changes_nothing(tmp_path: Path) -> None:
    garbage(database(tmp_path))
    before = database(tmp_path).read_bytes()
    with pytest.raises(StoreUnavailable, match=r"timbres\.db: file is not a database"):
        await peek(url(tmp_path))
    with pytest.raises(StoreUnavailable, match=r"timbres\.db: file is not a database"):
        await request_rearm(url(tmp_path), ["norte"])
    assert database(tmp_path).read_bytes() == before
    database(tmp_path).write_bytes(b"")
    with pytest.raises(StoreUnavailable, match=r"timbres\.db: empty"):
        await peek(url(tmp_path))


async def test_requests_are_told_once_in_order(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await request_rearm(url(tmp_path), ["sur", "Ñandú"])
        await request_rearm(url(tmp_path), ["norte"])
        assert await request_rearm(url(tmp_path), []) == []
        assert await store.take_requests(0.0) == ["sur", "Ñandú", "norte"]
        assert await store.take_requests(0.0) == []


async def test_requests_that_nobody_has_taken_can_be_withdrawn(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        taken = await request_rearm(url(tmp_path), ["norte", "sur"])
        assert await store.take_requests(0.0) == ["norte", "sur"]
        assert not await withdraw(url(tmp_path), taken)
        late = await request_rearm(url(tmp_path), ["norte"])
        assert await withdraw(url(tmp_path), late)
        assert not await withdraw(url(tmp_path), late)
        assert await store.take_requests(0.0) == []


async def test_a_request_whose_command_did_not_live_to_take_it_back_is_void(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await request_rearm(url(tmp_path), ["norte"])
        assert await store.take_requests(time.time() + 1) == []
        assert await store.take_requests(0.0) == []


async def test_a_request_that_came_while_nothing_ran_is_void(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    await request_rearm(url(tmp_path), ["norte"])
    with capture_logs() as logs:
        async with opened(tmp_path) as store:
            assert await store.take_requests(0.0) == []
    assert [(line["log_level"], line["accounts"]) for line in logs] == [("warning", "norte")]


# Age


def value(history: list[Point], at: float) -> int | None:
    """What was consumed by then."""
    return next((p.consumed for p in reversed(history) if p.at < at), None)


async def consume(store: Store, rises: Mapping[float, int]) -> None:
    consumed = 0
    for age, rise in sorted(rises.items(), reverse=True):
        consumed += rise
        await store.write({NORTE: kept(consumed, NOW - age)}, NOW)


@settings(max_examples=25, deadline=None)
@given(
    ages=st.dictionaries(
        st.one_of(
            st.integers(0, 70 * 86400),
            st.integers(8 * 86400 - 7200, 8 * 86400 + 7200),  # around each border
            st.integers(40 * 86400 - 90000, 40 * 86400 + 90000),
            st.integers(60 * 86400 - 7200, 60 * 86400 + 7200),
        ).map(float),
        st.integers(1, 9),
        max_size=20,
    ),
    earlier=st.lists(st.integers(0, 70 * 86400), max_size=2),
)
def test_thinning_keeps_the_last_of_each_hour_and_day(ages: dict[float, int], earlier: list[int]) -> None:
    async def thinned(directory: Path) -> tuple[list[Point], list[Point]]:
        async with opened(directory) as store:
            await consume(store, ages)
            before = await store.history(NORTE, 0.0)
            for age in sorted(earlier, reverse=True):  # in steps or at once: the same
                await store.thin(NOW - age, 60 * DAY)
            await store.thin(NOW, 60 * DAY)
            after = await store.history(NORTE, 0.0)
            await store.thin(NOW, 60 * DAY)
            assert await store.history(NORTE, 0.0) == after
            assert store.writable
            return before, after

    with TemporaryDirectory() as name:
        before, after = asyncio.run(thinned(Path(name)))
    assert after == [p for p in before if p in after]
    if not before or before[-1].at < NOW - 60 * DAY:
        assert after == []  # forgotten: not attempted for so long
        return
    assert after[-1] == before[-1]
    hours, days = (NOW - 8 * DAY) // 3600 * 3600, (NOW - 40 * DAY) // DAY * DAY
    gone = (NOW - 60 * DAY) // 3600 * 3600
    assert [p for p in after if p.at >= hours] == [p for p in before if p.at >= hours]
    of_hours = [p.at // 3600 for p in after if days <= p.at < hours]
    of_days = [p.at // 86400 for p in after if p.at < days]
    assert len(set(of_hours)) == len(of_hours)
    assert len(set(of_days)) == len(of_days)
    assert all(p.at >= gone for p in after[:-1])
    known = [p for p in before if p.at >= gone]
    for hour in range(int(days), int(hours) + 1, 3600):
        if value(known, hour) is not None:
            assert value(after, hour) == value(before, hour)
    for day in range(math.ceil(gone / DAY), int(days // DAY) + 1):
        if value(known, day * DAY) is not None:
            assert value(after, day * DAY) == value(before, day * DAY)


async def test_the_newest_row_stays_however_old_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await consume(store, {90 * DAY: 1, 80 * DAY: 1, 70 * DAY: 1})
        still = Kept(NOW, Reading(NOW, 1000, 3, 997, "200"), 3)  # polled ever since
        await store.write({NORTE: still}, NOW)
        await store.thin(NOW, 60 * DAY)
        assert await store.history(NORTE, 0.0) == [point(3, NOW - 70 * DAY)]
        await store.write({NORTE: kept(4, NOW + DAY)}, NOW + DAY)
        await store.thin(NOW + 2 * DAY, 60 * DAY)
        assert await store.history(NORTE, 0.0) == [point(4, NOW + DAY)]


async def test_targets_not_attempted_for_so_long_are_forgotten(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        many = {("norte", f"rfc{n}"): kept(n, NOW - 61 * DAY) for n in range(50)}
        await store.write(many | {POOL: kept(7, NOW - 59 * DAY)}, NOW)
        await store.thin(NOW, 60 * DAY)
        assert await store.history(("norte", "rfc1"), 0.0) == []
        assert await store.write({("norte", "rfc1"): kept(9)}, NOW)
        assert await store.history(("norte", "rfc1"), 0.0) == [point(9)]
    assert (await loaded(tmp_path)).kept == {POOL: kept(7, NOW - 59 * DAY), ("norte", "rfc1"): kept(9)}


async def test_thinning_goes_on_after_a_clock_that_was_ahead(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await consume(store, {20.0: 1, 10.0: 1})
        await store.thin(NOW + 300 * DAY, 400 * DAY)
        await store.thin(NOW, 400 * DAY)
        await consume(store, {5.0: 7, 4.0: 1, 3.0: 1})
        await store.thin(NOW + 9 * DAY, 400 * DAY)
        assert [p.at - NOW for p in await store.history(NORTE, 0.0)] == [-3]


async def test_thinning_that_fails_is_told_and_goes_on_later(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await consume(store, {9 * DAY: 1, 9 * DAY - 1: 1})
        with foreign(tmp_path, "BEGIN EXCLUSIVE"):
            await store.thin(NOW, 60 * DAY)
        assert not store.writable
        assert store.write_errors == 1
        assert len(await store.history(NORTE, 0.0)) == 2
        await store.thin(NOW, 60 * DAY)
        assert len(await store.history(NORTE, 0.0)) == 1


# Size


async def test_a_hundred_thousand_targets_are_no_burden(tmp_path: Path) -> None:
    def batch(size: int, used: int) -> dict[Key, Kept]:
        at = NOW - 9 * DAY + used
        return {(f"account{n % 50}", f"RFC{n:09d}"): kept(used, at) for n in range(size)}

    async def cost(work: Callable[[], object]) -> float:
        began = time.process_time()
        await work()  # type: ignore[misc]
        return time.process_time() - began

    async with opened(tmp_path) as store:
        small = await cost(lambda: store.write(batch(10_000, 1), NOW))
        large = await cost(lambda: store.write(batch(100_000, 2), NOW))
        assert large < 25 * small  # in proportion
        assert large < 3.0
        thinning = asyncio.create_task(store.thin(NOW, 400 * DAY))
        await asyncio.sleep(0)
        assert await store.save_standing("a", HELD)  # is not kept waiting
        assert not thinning.done()
        await thinning
        assert [p.used for p in await store.history(("account0", "RFC000000000"), 0.0)] == [2]
    store = Store(url(tmp_path))
    assert await cost(store.open) < 3.0
    await store.close()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 2**20  # 1 GiB
