"""The commands. Exit codes: 0 or 1, 2 for usage; `check` has its own, and 3 for all that goes wrong.

Each command imports what it needs when it runs: `--version` and `check-config` load no aiohttp and no
SQLAlchemy.
"""

import asyncio
import contextlib
import errno
import logging
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from typer.exceptions import TyperException

from monitor import __version__, output
from monitor.config import Config, ConfigError, load
from monitor.config.url import split_listen
from monitor.config.value import duration
from monitor.interpreter import loading, tune
from monitor.log import Format, configure, log_unhandled, where

log = structlog.get_logger()

PATIENCE = 180.0  # seconds that `run` waits for a command that has the database: `check` takes two minutes
TROUBLE = 3  # of `check`: configuration, usage and internal faults, and unknown


class Output(StrEnum):
    """What `--output` takes."""

    TABLE = "table"
    JSON = "json"


app = typer.Typer(
    name="timbres-monitor",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Watches the CFDI stamps (timbres) left at the PAC Solución Factible.",
)

_FILE = "The configuration file (YAML)."
ConfigOption = Annotated[Path, typer.Option("--config", "-c", help=_FILE)]
#: Where nothing else stands there, a file may be told either way.
EitherOption = Annotated[Path | None, typer.Option("--config", "-c", help=_FILE, show_default=False)]
EitherArgument = Annotated[
    Path | None, typer.Argument(metavar="[CONFIG]", help="The same, without --config.", show_default=False)
]


AccountNames = Annotated[
    list[str] | None, typer.Argument(metavar="[ACCOUNT]...", help="Names of accounts.", show_default=False)
]


def _either(argument: Path | None, option: Path | None) -> Path:
    """The one configuration file that was told."""
    if (argument is None) == (option is None):
        raise typer.BadParameter("name one configuration file, with --config or without", param_hint="CONFIG")
    return argument or option  # type: ignore[return-value]


def _address(text: str) -> str:
    """`text` if it is HOST:PORT; for the options that say where to listen."""
    try:
        split_listen(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return text


def _duration(text: str) -> str:
    """`text` if it is a duration, such as 2m."""
    try:
        duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return text


LogFormat = Annotated[Format, typer.Option("--log-format", help="Lines for people, or JSON.")]


@app.callback(invoke_without_command=True)
def version_option(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"timbres-monitor {__version__}")
        raise typer.Exit


@app.command()
def run(
    file: EitherArgument = None, config: EitherOption = None, log_format: LogFormat = Format.TEXT
) -> None:
    """Run the service: poll on schedule, serve /metrics. SIGHUP reloads, SIGTERM stops."""
    path = _either(file, config)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until `serve` takes it over: a start is a reload
    configure(log_format)
    loading()
    _serve(lambda: serve(_load(path)))


@app.command("check-config")
def check_config(file: EitherArgument = None, config: EitherOption = None) -> None:
    """Print every fault of a configuration at once; exit 1 if there is any."""
    path = _either(file, config)
    loaded = _load(path)
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(f"{path}: ok (accounts: {len(loaded.accounts)}, RFCs: {len(loaded.targets)})")


@app.command("check")
def check_command(
    file: EitherArgument = None,
    config: EitherOption = None,
    output: Annotated[Output, typer.Option(help="A table for people, or JSON.")] = Output.TABLE,
    rearm: Annotated[
        list[str] | None, typer.Option("--rearm", metavar="ACCOUNT", help="Release this held account first.")
    ] = None,
    timeout: Annotated[
        str, typer.Option(callback=_duration, help="Begin no call later than this.", show_default=True)
    ] = "2m",
) -> None:
    """Poll everything once and print a table; beside a running service, print what that one knows.

    Exit code: 0 ok, 1 warning, 2 critical, 3 unknown (the worst: critical > warning > unknown > ok).
    """
    from monitor import check
    from monitor.store import StoreUnavailable

    configure(Format.TEXT, level=logging.ERROR)
    loaded = _load(_either(file, config), TROUBLE)
    release = _known(loaded, rearm or [])
    try:
        findings = asyncio.run(check.check(loaded, release, duration(timeout)))
    except StoreUnavailable as error:
        typer.echo(f"timbres-monitor: {error}", err=True)
        raise typer.Exit(TROUBLE) from None
    (check.print_json if output is Output.JSON else check.print_table)(findings)
    raise typer.Exit(check.EXIT_CODES[findings.level])


@app.command()
def rearm(
    config: ConfigOption,
    accounts: AccountNames = None,
    every: Annotated[bool, typer.Option("--all", help="All accounts of the configuration.")] = False,
) -> None:
    """Release held accounts: each is allowed one call, which decides whether it is held again."""
    from monitor import check
    from monitor.store import StoreUnavailable

    loaded = _load(config)
    if bool(accounts) == every:
        raise typer.BadParameter("name one or more accounts, or say --all", param_hint="ACCOUNT")
    names = _known(loaded, accounts or [account.name for account in loaded.accounts])
    configure(Format.TEXT, level=logging.ERROR)
    try:
        became = asyncio.run(check.rearm(loaded, names))
    except StoreUnavailable as error:
        typer.echo(f"timbres-monitor: {error}", err=True)
        raise typer.Exit(1) from None
    for name, release in became.items():
        typer.echo(f"{name}: {release.words}", err=not release.done)
    raise typer.Exit(any(not release.done for release in became.values()))


def _known(config: Config, names: list[str]) -> list[str]:
    """`names` if all of them are accounts."""
    known = [account.name for account in config.accounts]
    if strangers := [name for name in names if name not in known]:
        words = f"no such account: {', '.join(strangers)}; configured: {', '.join(known)}"
        raise typer.BadParameter(words, param_hint="ACCOUNT")
    return names


@app.command("test-alert")
def alert_command(file: EitherArgument = None, config: EitherOption = None) -> None:
    """Send one alert, labelled as a test, to every configured Alertmanager, as the service would."""
    from monitor.alerts import send_test

    path = _either(file, config)
    alertmanagers = _load(path).alertmanagers
    if not alertmanagers:
        typer.echo(f"{path}: no alertmanagers configured, such as [http://localhost:9093]", err=True)
        raise typer.Exit(1)
    faults = asyncio.run(send_test(alertmanagers, time.time()))
    for address, fault in faults.items():
        typer.echo(f"{address}: {fault or 'taken'}", err=fault is not None)
    raise typer.Exit(any(fault is not None for fault in faults.values()))


@app.command()
def simulate(
    listen: Annotated[
        str, typer.Option(callback=_address, help="Where the pretend PAC listens.")
    ] = "127.0.0.1:8631",
) -> None:
    """A pretend PAC on a local port, with accounts whose stamps burn and faults on demand."""
    from monitor import demo

    host, port = split_listen(listen)
    _serve(lambda: demo.simulate(host, port, _until_stopped()))


@app.command("demo")
def demo_command(
    listen: Annotated[
        str, typer.Option(callback=_address, help="Where the monitor listens.")
    ] = "127.0.0.1:8630",
    log_format: LogFormat = Format.TEXT,
) -> None:
    """The pretend PAC and the monitor together; nothing to configure. Ctrl-C stops."""
    from monitor import demo

    configure(log_format)
    _serve(lambda: demo.demo(listen, _until_stopped(signal.SIGHUP)))


async def serve(config: Config) -> None:
    """Run the monitor until SIGTERM or SIGINT; SIGHUP reloads. A command that has the database, such as
    `check`, is waited for.
    """
    from monitor.store import Locked

    stopped = _until_stopped()
    until = time.monotonic() + PATIENCE
    said = False
    while True:
        try:
            await _serve_until(stopped, config)
        except Locked as error:
            if not error.brief or time.monotonic() > until:
                raise
            if not said:
                words = "nothing is polled or served yet: waiting for a command to end"
                log.warning(words, reason=str(error), gives_up_after=PATIENCE)
            said = True
            await asyncio.wait([stopped], timeout=0.5)
            if not stopped.done():
                continue
        return


async def _serve_until(stopped: "asyncio.Future[signal.Signals]", config: Config) -> None:
    from monitor.app import Monitor

    reloads: set[asyncio.Task[object]] = set()
    async with Monitor(config) as monitor:

        def hang_up() -> None:
            task: asyncio.Task[object] = asyncio.create_task(monitor.reload())
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hang_up)
        log.info("stopping", signal=(await stopped).name)
    log.info("stopped")


def _until_stopped(*more: signal.Signals) -> "asyncio.Future[signal.Signals]":
    """Done with the first signal that asks us to stop."""
    loop = asyncio.get_running_loop()
    stopped = loop.create_future()

    def stop(number: signal.Signals) -> None:
        if not stopped.done():
            stopped.set_result(number)

    for number in (signal.SIGTERM, signal.SIGINT, *more):
        loop.add_signal_handler(number, stop, number)
    return stopped


def _load(path: Path, code: int = 1) -> Config:
    try:
        return load(path)
    except ConfigError as error:
        for fault in error.faults:
            typer.echo(str(fault), err=True)
        raise typer.Exit(code) from None


def _serve(service: Callable[[], Coroutine[Any, Any, None]]) -> None:
    tune()

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(log_unhandled)
        await service()

    from monitor.store import Locked

    try:
        asyncio.run(main())
    except (Locked, OSError) as error:
        in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        words = "cannot listen: the port is in use" if in_use else str(error)
        if isinstance(error, Locked):
            words += (
                f"; a `check` or `rearm` that has not ended within {PATIENCE:.0f} s: stop it or try again"
                if error.brief
                else ", another monitor with this database, and only one of them polls: stop it first"
            )
        typer.echo(f"timbres-monitor: {words}", err=True)
        raise typer.Exit(1) from None


def main() -> None:
    """The entry point: whatever happens, one line and no traceback."""
    checks = sys.argv[1:2] == ["check"]  # whose 1 and 2 are news
    with contextlib.suppress(BrokenPipeError):
        try:
            sys.exit(app(standalone_mode=False))
        except KeyboardInterrupt:
            sys.exit(130)
        except TyperException as error:
            if message := error.format_message():  # without: no arguments, and help was printed
                context = getattr(error, "ctx", None)
                typer.echo(f"{context.get_usage()}\n" if context else "", err=True)
                typer.echo(f"Error: {message}", err=True)
            sys.exit(TROUBLE if checks else error.exit_code)
        except Exception as error:  # noqa: BLE001  # one line, whatever it is
            words = output.fault(error) or f"internal error: {where(error)}"
            typer.echo(f"timbres-monitor: {words}", err=True)
            sys.exit(TROUBLE if checks else 1)
