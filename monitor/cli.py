"""The commands. Exit codes: 0 or 1, 2 for usage."""

import asyncio
import contextlib
import errno
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from monitor import __version__, demo
from monitor.app import Monitor
from monitor.config import Config, ConfigError, load
from monitor.config.url import split_listen
from monitor.log import Format, configure, where

app = typer.Typer(
    name="timbres-monitor",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Watches the CFDI stamps (timbres) left at the PAC Solución Factible.",
)

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The configuration file (YAML).")]


def _address(text: str) -> str:
    """`text` if it is HOST:PORT; for the options that say where to listen."""
    try:
        split_listen(text)
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
def run(config: ConfigOption, log_format: LogFormat = Format.TEXT) -> None:
    """Run the service: poll on schedule, serve /metrics. SIGHUP reloads, SIGTERM stops."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until `serve` takes it over: a start is a reload
    configure(log_format)
    _serve(lambda: serve(_load(config)))


@app.command("check-config")
def check_config(config: Annotated[Path, typer.Argument(help="The configuration file (YAML).")]) -> None:
    """Print every fault of a configuration at once; exit 1 if there is any."""
    loaded = _load(config)
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(f"{config}: ok, {len(loaded.accounts)} accounts, {len(loaded.targets)} RFCs")


@app.command()
def simulate(
    listen: Annotated[
        str, typer.Option(callback=_address, help="Where the pretend PAC listens.")
    ] = "127.0.0.1:8631",
) -> None:
    """A pretend PAC on a local port, with accounts whose stamps burn and faults on demand."""
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
    configure(log_format)
    _serve(lambda: demo.demo(listen, serve))


async def serve(config: Config, started: Callable[[Monitor], None] = lambda _: None) -> None:
    """Run the monitor until SIGTERM or SIGINT; SIGHUP reloads."""
    stopped = _until_stopped()
    reloads: set[asyncio.Task[object]] = set()
    async with Monitor(config) as monitor:

        def hang_up() -> None:
            task: asyncio.Task[object] = asyncio.create_task(monitor.reload())
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hang_up)
        started(monitor)
        await stopped


def _until_stopped() -> "asyncio.Future[None]":
    loop = asyncio.get_running_loop()
    stopped = loop.create_future()

    def stop() -> None:
        if not stopped.done():
            stopped.set_result(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    return stopped


def _load(path: Path) -> Config:
    try:
        return load(path)
    except ConfigError as error:
        for fault in error.faults:
            typer.echo(str(fault), err=True)
        raise typer.Exit(1) from None


def _serve(service: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        await service()

    try:
        asyncio.run(main())
    except OSError as error:
        words = "the port is in use" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
        typer.echo(f"timbres-monitor: cannot listen: {words}", err=True)
        raise typer.Exit(1) from None


def main() -> None:
    """The entry point: whatever happens, one line and no traceback."""
    with contextlib.suppress(BrokenPipeError):
        try:
            app()
        except KeyboardInterrupt:
            sys.exit(130)
        except Exception as error:  # noqa: BLE001  # one line, whatever it is
            typer.echo(f"timbres-monitor: internal error: {where(error)}", err=True)
            sys.exit(1)
