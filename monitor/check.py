"""The commands beside the service: `check` everything once, and `rearm`.

Alone it polls, through the same gate as the service. Beside a running service it judges what that
one has stored, and never polls.
"""

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from monitor.alerts import Level, level, worst
from monitor.config import Config, Target
from monitor.core import Core
from monitor.model import Failure, Standing
from monitor.state import Row, State
from monitor.store import Locked, StoreUnavailable, peek, pending, recogniser, request_rearm

OBEYED_WITHIN = 5.0  # seconds that `rearm` waits for the running service
SLOW = 2.0  # seconds after which a progress bar is shown
COLOURS = {Level.CRITICAL: "bold red", Level.WARNING: "yellow", Level.UNKNOWN: "magenta", Level.OK: "green"}
NARROWEST = 8  # columns of an alias on a terminal; nothing else is cut
NAMED = 3  # RFCs that are listed with a trouble that several share

#: Marks that turn the direction of writing: one in an alias would turn the numbers after it.
_TURNS = dict.fromkeys(map(ord, "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))


@dataclass(frozen=True, slots=True)
class Finding:
    """How a target is. `trouble`: why no more is known of it, "" if all is."""

    row: Row
    level: Level
    trouble: str


async def check(config: Config) -> tuple[list[Finding], str]:
    """Every target with its level, and where the numbers come from, in words.

    Raises `StoreUnavailable` if the database can be used neither way.
    """
    try:
        async with Core(config) as core:
            if not core.loaded:
                raise StoreUnavailable("the database cannot be used: nothing was polled")
            await _poll_all(core)
            holds = {status.name: status.hold for status in core.snapshot().accounts}
            return _judge(core.state, config, holds), "polled now"
    except Locked:
        return await _from_the_service(config), "as stored by the running service"


async def _from_the_service(config: Config) -> list[Finding]:
    loaded = await peek(config.state.url)
    fingerprint = recogniser(config.state.url)
    state = State()
    state.restore(loaded.kept)
    state.apply(config.targets, ())
    holds = {
        account.name: loaded.standings.get(fingerprint(account.credential), Standing()).hold
        for account in config.accounts
    }
    return _judge(state, config, holds)


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


def _judge(state: State, config: Config, holds: Mapping[str, str | None]) -> list[Finding]:
    now, expire_after = time.time(), config.poll.expire_after
    return [
        Finding(
            row,
            level(row, now, expire_after, held=holds[row.target.account] is not None),
            _trouble(row, now, expire_after, holds[row.target.account]),
        )
        for row in state.rows()
    ]


def _trouble(row: Row, now: float, expire_after: float, hold: str | None) -> str:
    if isinstance(row.last, Failure):
        return row.last.text
    if hold is not None:
        return f"the account is held: {hold}"
    if row.failed:
        return "no numbers when last asked"
    if row.reading is None:
        return "not asked yet"
    return "" if row.fresh(now, expire_after) else "the last reading is too old"


async def _poll_all(core: Core) -> None:
    # The target with the newest reading of each unproven credential goes first.
    first = {key for _, key in await core.leaders()}
    turns: dict[str, list[Target]] = {}
    for target in sorted(core.config.targets, key=lambda target: target.key not in first):
        turns.setdefault(target.account, []).append(target)
    at_once = {account.name: account.max_in_flight for account in core.config.accounts}
    with _progress(len(core.config.targets)) as advance:

        async def work(targets: Iterator[Target]) -> None:
            for target in targets:
                await core.turn(target, time.monotonic())
                advance()

        # Each account at its own pace: one whose calls hang keeps no other waiting.
        async with asyncio.TaskGroup() as group:
            for account, targets in turns.items():
                line = iter(targets)
                for _ in range(min(at_once[account], len(targets))):
                    group.create_task(work(line))


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, once it takes long."""
    console = Console(stderr=True)
    bar = Progress(console=console, transient=True)
    task = bar.add_task("Asking the PAC…", total=total)
    start = asyncio.get_running_loop().call_later(SLOW, bar.start) if console.is_terminal else None
    try:
        yield lambda: bar.advance(task)
    finally:
        if start is not None:
            start.cancel()
            bar.stop()


def print_json(findings: Sequence[Finding], source: str) -> None:
    """One JSON document; times in epoch seconds."""
    targets = [
        {
            "account": target.account,
            "rfc": target.rfc,
            "alias": target.alias,
            "level": found.level,
            "contracted": reading and reading.contracted,
            "used": reading and reading.used,
            "available": reading and reading.available,
            "read_at": reading and reading.at,
            "asked_at": found.row.attempted_at,
            "error": found.trouble or None,
        }
        for found in findings
        for target, reading in [(found.row.target, found.row.reading)]
    ]
    told = {"level": worst([found.level for found in findings]), "source": source, "targets": targets}
    is_unicode = sys.stdout.encoding.lower().startswith("utf")
    _print(json.dumps(told, ensure_ascii=not is_unicode) + "\n")


def print_table(findings: Sequence[Finding], source: str) -> None:
    """A table, the worst first, each target on a line of its own, and what is the matter.

    On a narrow terminal aliases are cut, and nothing else; in a pipe nothing is.
    """
    console = Console(highlight=False)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for heading in ("level", "account", "rfc"):
        table.add_column(heading)
    for heading in ("available", "contracted", "used", "age"):
        table.add_column(heading, justify="right")
    table.add_column("alias", width=NARROWEST)
    now = time.time()
    aliases: list[Text] = []
    ordered = sorted(findings, key=lambda found: (list(Level).index(found.level), found.row.target.key))
    for found in ordered:
        target, reading = found.row.target, found.row.reading
        aliases.append(_plain(target.alias))
        numbers = (reading.available, reading.contracted, reading.used) if reading else (None,) * 3
        table.add_row(
            Text(found.level, COLOURS[found.level]),
            _plain(target.account),
            target.rfc,
            *("–" if number is None else f"{number:,}" for number in numbers),
            "–" if reading is None else _age(now - reading.at),
            aliases[-1],
        )
    unbounded = console.options.update(width=10**6)
    if console.is_terminal:
        rest = console.measure(table, options=unbounded).maximum - NARROWEST
        for alias in aliases:
            alias.truncate(max(NARROWEST, console.width - rest), overflow="ellipsis")
    table.columns[-1].width = None
    console.width = console.measure(table, options=unbounded).maximum
    with console.capture() as captured:
        console.print(table)
        for line in _troubles(ordered):
            console.print(line, soft_wrap=True)
        console.print(_plain(_sum(findings, source)), soft_wrap=True)
    _print(captured.get())


def _print(text: str) -> None:
    """Neither a letter that the output lacks nor a reader that has left changes the exit code."""
    encoding = sys.stdout.encoding
    try:
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _troubles(findings: Iterable[Finding]) -> Iterator[Text]:
    """What is the matter: once for all RFCs of an account that share it."""
    sharing: dict[tuple[str, str], list[str]] = {}
    for found in findings:
        if found.trouble:
            sharing.setdefault((found.row.target.account, found.trouble), []).append(found.row.target.rfc)
    for (account, trouble), rfcs in sharing.items():
        more = f" and {len(rfcs) - NAMED} more" if len(rfcs) > NAMED else ""
        yield _plain(f"{account}: {trouble} ({', '.join(rfcs[:NAMED])}{more})")


def _sum(findings: Sequence[Finding], source: str) -> str:
    counts = Counter(found.level for found in findings)
    told = ", ".join(f"{counts[one]} {one}" for one in Level if counts[one])
    return f"{told or 'nothing configured'}; {source}"


def _plain(text: str) -> Text:
    """As it is: rich reads markup in strings."""
    return Text(text.translate(_TURNS))


def _age(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f}{unit}"
    return f"{max(0.0, seconds):.0f}s"
