"""The commands beside the service: `check` everything once, and `rearm`.

Alone it polls, through the same gate as the service. Beside a running service it judges what that
one has stored, and never polls.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from monitor.alerts import Level, level, worst
from monitor.config import Config
from monitor.core import Core
from monitor.model import Failure, Standing
from monitor.state import Row, State
from monitor.store import Locked, StoreUnavailable, peek, pending, recogniser, request_rearm

WORKERS = 64  # turns at once; gates and limits decide how many are sent
OBEYED_WITHIN = 5.0  # seconds that `rearm` waits for the running service
SLOW = 2.0  # seconds after which a progress bar is shown
COLOURS = {Level.CRITICAL: "bold red", Level.WARNING: "yellow", Level.UNKNOWN: "magenta", Level.OK: "green"}

Judged = list[tuple[Row, Level]]


async def check(config: Config) -> tuple[Judged, str]:
    """Every target with its level, and where the numbers come from, in words.

    Raises `StoreUnavailable` if the database can be used neither way.
    """
    try:
        async with Core(config) as core:
            if not core.loaded:
                raise StoreUnavailable("the database cannot be used: nothing was polled")
            await _poll_all(core)
            held = {status.name for status in core.snapshot().accounts if status.hold}
            return _judge(core.state, config, held), "polled now"
    except Locked:
        return await _from_the_service(config), "as stored by the running service"


async def _from_the_service(config: Config) -> Judged:
    loaded = await peek(config.state.url)
    state = State()
    state.restore(loaded.kept)
    state.apply(config.targets, ())
    return _judge(state, config, _held(config, loaded.standings))


async def rearm(config: Config, accounts: Sequence[str]) -> bool:
    """Ask the running service to release these accounts; whether it has, within a few seconds.

    Raises `StoreUnavailable`.
    """
    await request_rearm(config.state.url, accounts)
    deadline = time.monotonic() + OBEYED_WITHIN
    while time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        if not set(accounts) & set(await pending(config.state.url)):
            return True
    return False


def _held(config: Config, standings: Mapping[str, Standing]) -> set[str]:
    """The accounts whose credentials are stored as held."""
    fingerprint = recogniser(config.state.url)
    return {
        account.name
        for account in config.accounts
        if standings.get(fingerprint(account.credential), Standing()).hold
    }


def _judge(state: State, config: Config, held: set[str]) -> Judged:
    now = time.time()
    return [
        (row, level(row, now, config.poll.expire_after, held=row.target.account in held))
        for row in state.rows()
    ]


async def _poll_all(core: Core) -> None:
    # The target with the newest reading of each unproven credential goes first.
    first = {key: place for place, (_, key) in enumerate(core.leaders())}
    targets = iter(sorted(core.config.targets, key=lambda target: target.key not in first))
    with _progress(len(core.config.targets)) as advance:

        async def work() -> None:
            for target in targets:
                await core.turn(target, time.monotonic())
                await advance()

        async with asyncio.TaskGroup() as group:
            for _ in range(min(WORKERS, len(core.config.targets))):
                group.create_task(work())


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], Awaitable[None]]]:
    """A bar on a terminal, once it takes long."""
    console = Console(stderr=True)
    bar = Progress(console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task("Asking the PAC…", total=total)
    began = time.monotonic()

    async def advance() -> None:
        bar.advance(task)
        if time.monotonic() - began > SLOW and not bar.live.is_started:
            bar.start()

    try:
        yield advance
    finally:
        bar.stop()


def print_json(judged: Judged, source: str) -> None:
    """One JSON document; times in epoch seconds."""
    rows = [
        {
            "account": row.target.account,
            "rfc": row.target.rfc,
            "alias": row.target.alias,
            "level": str(found),
            "contracted": row.reading and row.reading.contracted,
            "used": row.reading and row.reading.used,
            "available": row.reading and row.reading.available,
            "read_at": row.reading and row.reading.at,
            "error": row.last.text if isinstance(row.last, Failure) else None,
        }
        for row, found in judged
    ]
    levels = [found for _, found in judged]
    json.dump(
        {"level": str(worst(levels)), "source": source, "targets": rows}, sys.stdout, ensure_ascii=False
    )
    sys.stdout.write("\n")


def print_table(judged: Judged, source: str) -> None:
    """A table, the worst first."""
    table = Table(title=f"Timbres, {source}", title_justify="left")
    for heading in ("level", "account", "rfc", "alias"):
        table.add_column(heading)
    for heading in ("available", "contracted", "used", "age"):
        table.add_column(heading, justify="right")
    table.add_column("error")
    now = time.time()
    for row, found in sorted(judged, key=lambda one: (list(Level).index(one[1]), one[0].target.key)):
        reading = row.reading
        numbers = (reading.available, reading.contracted, reading.used) if reading else (None,) * 3
        table.add_row(
            f"[{COLOURS[found]}]{found}[/]",
            *(_plain(text) for text in (row.target.account, row.target.rfc, row.target.alias)),
            *("–" if number is None else f"{number:,}" for number in numbers),
            "–" if reading is None else _age(now - reading.at),
            _plain(row.last.text if isinstance(row.last, Failure) else ""),
        )
    Console().print(table)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")  # rich reads markup


def _age(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f}{unit}"
    return f"{max(0.0, seconds):.0f}s"
