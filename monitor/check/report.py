"""What `check` prints: a table for people, or JSON."""

import io
import json
import shlex
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor import output
from monitor.advice import on_hold
from monitor.alerts import Level
from monitor.check.findings import Finding, Findings
from monitor.config import Config
from monitor.model import AccountStatus

COLOURS = {Level.CRITICAL: "bold red", Level.WARNING: "yellow", Level.UNKNOWN: "magenta", Level.OK: "green"}
NARROWEST = 8  # columns of an alias on a terminal; nothing else is cut
NAMED = 3  # RFCs that are listed with a trouble that several share

#: Marks that turn the direction of writing: one in an alias would turn the numbers after it.
_TURNS = dict.fromkeys(map(ord, "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))


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
    told = {"level": findings.level, "source": findings.source, "accounts": accounts, "targets": targets}
    is_unicode = output.encoding().lower().startswith("utf")
    _print(json.dumps(told, ensure_ascii=not is_unicode) + "\n")


def print_table(findings: Findings) -> None:
    """A table, the worst first, each target on a line of its own, and what is the matter.

    On a narrow terminal aliases are cut, and nothing else; in a pipe nothing is.
    """
    screen = Console()
    written = io.TextIOWrapper(io.BytesIO(), output.encoding(), "replace", newline="")
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
    for account in findings.accounts:
        if about := _about(account, findings.config):
            console.print(_plain(about), soft_wrap=True)
    console.print(_plain(_sum(findings)), soft_wrap=True)
    written.seek(0)
    _print(written.read())


def _print(text: str) -> None:
    """An output that cannot be written is said, and changes no exit code."""
    try:
        print(text, end="", flush=True)  # noqa: T201  # nothing, if it is closed
    except OSError as error:
        if words := output.fault(error):
            typer.echo(f"timbres-monitor: {words}", err=True)


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


def _about(account: AccountStatus, config: Config) -> str:
    """What is to be said of an account that is held or waits, and what to do."""
    rearm = f"timbres-monitor rearm --config {shlex.quote(str(config.path))} {shlex.quote(account.name)}"
    if account.hold is not None:
        return (
            f"{account.name}: held: nothing is sent until user or password in the configuration are others,"
            f" or somebody releases it. {on_hold(account.hold)[0]} If they are right, and the cause is"
            f" mended: {rearm}"
        )
    if account.set_aside:
        return f"{account.name}: once the account may ask for {_named(account)}: {rearm}"
    if account.released_at is not None:
        return f"{account.name}: released at {_clock(account.released_at, config)}: one login goes out next"
    if not account.text or not (account.unproven or account.next_call):
        return ""
    seen = "no longer certain that it works" if account.worked else "not yet seen to work"
    call = "one call goes out next"
    if account.next_call is not None and account.next_call > time.time():
        call = f"next call not before {_clock(account.next_call, config)}, or after: {rearm}"
    return f"{account.name}: {seen}; {call}; the last answer, for {account.rfc}: {account.text}"


def _named(account: AccountStatus) -> str:
    return ", ".join(refusal.rfc for refusal in account.set_aside)


def _clock(at: float, config: Config) -> str:
    """The time of day where the configuration is, with the name of that zone."""
    return datetime.fromtimestamp(at, config.timezone).strftime("%H:%M %Z")
