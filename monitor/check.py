"""The commands beside the service: `check` everything once, and `rearm`.

Alone they poll and release, through the same gate as the service. Beside a running service `check` judges
what that one has stored, and never polls; `rearm` asks it.
"""

import asyncio
import io
import json
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from monitor.alerts import Level, level, worst
from monitor.config import Config, Target
from monitor.core import Core
from monitor.guard import Credential, recall, why_held
from monitor.model import AccountStatus, Failure, Standing
from monitor.state import Row, State
from monitor.store import Loaded, Locked, StoreUnavailable, is_there, peek, pending, recogniser, request_rearm

OBEYED_WITHIN = 5.0  # seconds that `rearm` waits for the running service
TIMEOUT = 120.0  # seconds after which `check` asks no more
GRACE = 1.0  # seconds beyond its timeout that a call under way has to end in
SLOW = 2.0  # seconds after which `check` says what it waits for
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


@dataclass(frozen=True, slots=True)
class Findings:
    """How everything is, and where the numbers come from, in words."""

    targets: Sequence[Finding]
    accounts: Sequence[AccountStatus]
    source: str


async def check(config: Config, release: Sequence[str] = (), patience: float = TIMEOUT) -> Findings:
    """Every target with its level, after the accounts to `release` were. No call begins later than `patience`
    seconds from now.

    Raises `StoreUnavailable` if the database can be used neither way.
    """
    try:
        async with Core(config, brief=True) as core:
            if not core.loaded:
                raise StoreUnavailable("the database cannot be used: nothing was polled")
            for account in release:
                await core.rearm(account)
            left = await Round(core, patience).poll()
            source = f"polled now, but for {left} RFCs: no time was left" if left else "polled now"
            return _judge(core.state, config, core.snapshot().accounts, source)
    except Locked:
        if release:
            await _ask_the_service(config, release)
        return await _from_the_service(config)


async def _from_the_service(config: Config) -> Findings:
    state = State()
    loaded = await peek(config.state.url)
    state.restore(loaded.kept)
    state.apply(config.targets, {account.name: account.place for account in config.accounts})
    return _judge(state, config, _stored(config, loaded), "as stored by the running service")


def _stored(config: Config, loaded: Loaded) -> list[AccountStatus]:
    """What is stored of the accounts. Raises `StoreUnavailable`."""
    fingerprint = recogniser(config.state.url)
    spellings: dict[Credential, set[Credential]] = {}
    for account in config.accounts:
        spellings.setdefault(account.credential, set()).add(account.spelled)
    return [
        _status(account.name, recall(loaded.standings, fingerprint, key, spellings[key]))
        for account in config.accounts
        for key in [account.credential]
    ]


def _status(account: str, standing: Standing) -> AccountStatus:
    next_call = standing.at + standing.wait if standing.at is not None and standing.wait else None
    set_aside = tuple(one.rfc for one in standing.refusals if one.set_aside)
    at, rfc, text = standing.at, standing.rfc, standing.text
    return AccountStatus(account, standing.hold, not standing.worked, at, rfc, text, next_call, set_aside)


async def rearm(config: Config, accounts: Sequence[str]) -> dict[str, str]:
    """Release these accounts: what became of each, in words.

    Raises `StoreUnavailable`.
    """
    if not is_there(config.state.url):
        raise StoreUnavailable("there is no database yet: nothing is held")
    try:
        async with Core(config, brief=True) as core:
            if not core.loaded:
                raise StoreUnavailable("the database cannot be used: nothing was released")
            needing = _needing(core.snapshot().accounts, accounts)
            for account in needing:
                await core.rearm(account)
            words = "released; no service runs"
    except Locked:
        needing = _needing(_stored(config, await peek(config.state.url)), accounts)
        obeyed = await _ask_the_service(config, needing) if needing else True
        words = "released" if obeyed else "asked to be released, but the service has not answered yet"
    return {account: words if account in needing else "not held" for account in accounts}


def _needing(statuses: Iterable[AccountStatus], accounts: Sequence[str]) -> list[str]:
    """Those that are held, wait, or have RFCs that were set aside."""
    return [
        one.name
        for one in statuses
        if one.name in accounts and (one.hold is not None or one.next_call is not None or one.set_aside)
    ]


async def _ask_the_service(config: Config, accounts: Sequence[str]) -> bool:
    """Whether it has released them, within a few seconds."""
    await request_rearm(config.state.url, accounts)
    deadline = time.monotonic() + OBEYED_WITHIN
    while time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        if not set(accounts) & set(await pending(config.state.url)):
            return True
    return False


def _judge(state: State, config: Config, accounts: Sequence[AccountStatus], source: str) -> Findings:
    now, expire_after = time.time(), config.poll.expire_after
    statuses = {one.name: one for one in accounts}
    targets = [
        Finding(
            row,
            level(row, now, expire_after, held=statuses[row.target.account].hold is not None),
            _trouble(row, now, expire_after, statuses[row.target.account]),
        )
        for row in state.rows()
    ]
    return Findings(targets, accounts, source)


def _trouble(row: Row, now: float, expire_after: float, account: AccountStatus) -> str:
    if isinstance(row.last, Failure):
        return row.last.text
    if account.hold is not None:
        return why_held(account.hold, account.rfc, account.text)
    if row.failed:
        return "no numbers when last asked"
    if row.reading is None:
        return "not asked yet"
    return "" if row.fresh(now, expire_after) else "the last reading is too old"


def _about(account: AccountStatus) -> str:
    """What is to be said of an account that is held, or has yet to prove that it works."""
    if account.hold is not None:
        return (
            f"{account.name}: held: nothing is sent until the password in the configuration is another, or it"
            f" is mended at the PAC and released: timbres-monitor rearm {account.name} --config FILE"
        )
    if not account.text or not (account.unproven or account.next_call):
        return ""
    when = time.localtime(account.next_call) if account.next_call else None
    call = f"next call not before {time.strftime('%H:%M', when)}; " if when else ""
    return f"{account.name}: not seen to work: {call}the last answer, for {account.rfc}: {account.text}"


@dataclass(slots=True)
class Round:
    """Everything polled once: each account at its own pace, so that one whose calls hang keeps no other
    waiting.
    """

    core: Core
    patience: float  # seconds
    asked: int = 0
    waits: dict[str, str] = field(default_factory=dict)  # accounts, and what each waits for
    over: bool = False

    async def poll(self) -> int:
        """How many targets could not be asked in time."""
        # The target with the newest reading of each unproven credential goes first.
        first = {key for _, key in await self.core.leaders()}
        at_once = {account.name: account.max_in_flight for account in self.core.config.accounts}
        turns: dict[str, deque[Target]] = {}
        for target in sorted(self.core.config.targets, key=lambda target: target.key not in first):
            turns.setdefault(target.account, deque()).append(target)
        workers = {
            asyncio.create_task(self._work(mine))
            for account, mine in turns.items()
            for _ in range(min(at_once[account], len(mine)))
        }
        watch = asyncio.create_task(self._watch())
        try:
            _, late = await asyncio.wait(workers, timeout=self.patience)
            self.over = True
            # A call under way is waited for: broken off, it would count as a lost login.
            calling = late & self.core.poller.calling
            for task in late - calling:
                task.cancel()
            if calling:
                await asyncio.wait(calling, timeout=self.core.config.poll.timeout + GRACE)
        finally:
            for task in (*workers, watch):
                task.cancel()
            ended = await asyncio.gather(*workers, watch, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error
        return len(self.core.config.targets) - self.asked

    async def _work(self, targets: "deque[Target]") -> None:
        """Take the next target whose turn may come, until all have had theirs."""
        while targets and not self.over:
            target = targets.popleft()
            outcome = await self.core.turn(target, time.monotonic())
            if not isinstance(outcome, Failure) or outcome.sent or outcome.retry_after is None:
                self.waits.pop(target.account, None)
                self.asked += 1
                continue
            # It could not be sent yet: the others of the account first, and then when it may be.
            targets.append(target)
            until = time.monotonic() + outcome.retry_after
            while targets and not self.core.may_ask(*targets[0].key) and time.monotonic() < until:
                left = max(1.0, until - time.monotonic())
                self.waits[target.account] = f"{target.account} ({left:.0f} s): {outcome.text}"
                await asyncio.sleep(0.2)

    async def _watch(self) -> None:
        """Say what is waited for, once it takes long: a bar on a terminal, a line an account elsewhere."""
        await asyncio.sleep(SLOW)
        console, said = Console(stderr=True, highlight=False), set[str]()
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("", total=len(self.core.config.targets))
            while True:
                quiet = {endpoint: f"{endpoint} asked for quiet" for endpoint in self.core.quiet()}
                waits = self.waits | quiet
                words = f"Waiting: {'; '.join(waits.values())}" if waits else "Asking the PAC…"
                bar.update(task, completed=self.asked, description=words)
                if not console.is_terminal:
                    for name in waits.keys() - said:
                        with suppress(OSError):
                            print(f"waiting: {waits[name]}", file=sys.stderr, flush=True)  # noqa: T201
                    said |= waits.keys()
                await asyncio.sleep(SLOW)


def print_json(findings: Findings) -> None:
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
        for found in findings.targets
        for target, reading in [(found.row.target, found.row.reading)]
    ]
    accounts = [account.document() for account in findings.accounts]
    level = worst([found.level for found in findings.targets])
    told = {"level": level, "source": findings.source, "accounts": accounts, "targets": targets}
    is_unicode = _encoding().lower().startswith("utf")
    _print(json.dumps(told, ensure_ascii=not is_unicode) + "\n")


def print_table(findings: Findings) -> None:
    """A table, the worst first, each target on a line of its own, and what is the matter.

    On a narrow terminal aliases are cut, and nothing else; in a pipe nothing is.
    """
    screen = Console()
    written = io.TextIOWrapper(io.BytesIO(), _encoding(), "replace", newline="")
    console = Console(file=written, force_terminal=screen.is_terminal, width=screen.width, highlight=False)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for heading in ("level", "account", "rfc"):
        table.add_column(heading)
    for heading in ("available", "contracted", "used", "age"):
        table.add_column(heading, justify="right")
    table.add_column("alias", width=NARROWEST)
    now = time.time()
    aliases: list[Text] = []
    urgency = list(Level)
    ordered = sorted(findings.targets, key=lambda one: (urgency.index(one.level), one.row.target.key))
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
    console.print(table)
    for line in _troubles(ordered):
        console.print(line, soft_wrap=True)
    for account in filter(None, map(_about, findings.accounts)):
        console.print(_plain(account), soft_wrap=True)
    console.print(_plain(_sum(findings)), soft_wrap=True)
    written.seek(0)
    _print(written.read())


def _encoding() -> str:
    """Of the output; letters that it lacks are replaced."""
    return "utf-8" if sys.stdout is None else sys.stdout.encoding  # None: it was closed before we began


def _print(text: str) -> None:
    """An output that is closed, full or left by its reader changes no exit code."""
    try:
        if sys.stdout is not None:
            sys.stdout.write(text)
            sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            typer.echo(f"timbres-monitor: the output cannot be written: {error.strerror}", err=True)


def _troubles(findings: Iterable[Finding]) -> Iterator[Text]:
    """What is the matter: once for all RFCs of an account that share it."""
    sharing: dict[tuple[str, str], list[str]] = {}
    for found in findings:
        if found.trouble:
            sharing.setdefault((found.row.target.account, found.trouble), []).append(found.row.target.rfc)
    for (account, trouble), rfcs in sharing.items():
        more = f" and {len(rfcs) - NAMED} more" if len(rfcs) > NAMED else ""
        yield _plain(f"{account}: {trouble} ({', '.join(rfcs[:NAMED])}{more})")


def _sum(findings: Findings) -> str:
    counts = Counter(found.level for found in findings.targets)
    told = ", ".join(f"{counts[one]} {one}" for one in Level if counts[one])
    return f"{told or 'nothing configured'}; {findings.source}"


def _plain(text: str) -> Text:
    """As it is: rich reads markup in strings."""
    return Text(text.translate(_TURNS))


def _age(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f}{unit}"
    return f"{max(0.0, seconds):.0f}s"
