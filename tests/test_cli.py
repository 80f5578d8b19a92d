"""The commands, as processes: what they print, how they end, what they never tell."""

import asyncio
import base64
import html
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any
from xml.sax.saxutils import escape

import pytest

from monitor import __version__
from monitor.cli import main
from monitor.config.target import DEFAULTS
from monitor.demo import accounts
from monitor.simulator import Account, Issuer, Pac
from tests.issuers import rfcs, write
from tests.service import COMMAND, Exposition, Service, command, running

BAD = Path(__file__).parent / "bad_configs"
RFC, OTHER = "EKU9003173C9", "H&E951128469"
PASSWORD = "s3creto"
ENV = {"TIMBRES_TEST_PASSWORD": PASSWORD}
NOWHERE = "http://127.0.0.1:9/"  # nobody listens on the port "discard"


def account(url: str, *names: str, **options: Any) -> dict[str, Any]:
    return {
        "name": "norte",
        "endpoint": url,
        "username": "ws@norte.example",
        "password": {"env": "TIMBRES_TEST_PASSWORD"},
        "rfcs": list(names or [RFC]),
    } | options


def configure(folder: Path, *accounts: dict[str, Any], listen: str = "127.0.0.1:0", **poll: str) -> Path:
    return write(
        folder / "config.yaml",
        {
            "web": {"listen": listen},
            "poll": {"interval": "1s", "timeout": "5s"} | poll,
            "accounts": list(accounts),
        },
    )


def pac_of(*names: str, **options: Any) -> Pac:
    issuers = {rfc: Issuer(1_000, 40) for rfc in names or [RFC]}
    return Pac([Account("ws@norte.example", PASSWORD, issuers)], **options)


def call(*arguments: str, cwd: Path | None = None, **streams: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    root = str(Path(__file__).parent.parent)
    env = os.environ | ENV | {"PYTHONPATH": root, "TERM": "dumb"}
    return subprocess.run(
        [*COMMAND, *arguments], text=True, timeout=60, check=False, env=env, cwd=cwd, **pipes
    )


async def until(condition: Callable[[], object], *, seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
def taken() -> Iterator[str]:
    """An address at which somebody listens already."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def free() -> str:
    """An address at which nobody listened a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


class Demo:
    """A demo, which needs half a minute to burn its stamps and may do so beside other tests."""

    def __init__(self, folder: Path) -> None:
        self.started = Event()
        self._thread = ThreadPoolExecutor(1)
        self._end = self._thread.submit(asyncio.run, scenario(folder, self.started.set))

    def end(self) -> None:
        """Raise what is wrong with it."""
        self._end.result(90)

    def close(self) -> None:
        self._thread.shutdown()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo"))
    yield demo
    demo.close()


@pytest.mark.slow
def test_the_demo_starts_with_nothing_configured(demo: Demo) -> None:
    assert demo.started.wait(30)


# What is asked for in vain.


def test_the_version_is_told() -> None:
    done = call("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"timbres-monitor {__version__}\n", "")


@pytest.mark.parametrize("words", [["--version"], ["run", "--help"], ["check-config"]], ids=" ".join)
def test_what_asks_nobody_loads_no_client_and_no_database(words: list[str], tmp_path: Path) -> None:
    if words == ["check-config"]:
        words = [*words, str(configure(tmp_path, account("http://127.0.0.1:9/x")))]
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *COMMAND[1:], *words],
        env=os.environ | ENV | {"PYTHONPATH": str(Path(__file__).parent.parent)},
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    loaded = set(re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE))
    assert done.returncode == 0
    assert "monitor.config" in loaded
    assert not loaded & {"aiohttp", "sqlalchemy", "apscheduler", "jinja2", "monitor.app"}


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("run",),
        ("check-config",),
        ("dance",),
        ("run", "--config"),
        ("run", "--config", "x.yaml", "--log-format", "xml"),
        ("run", "--config", "x.yaml", "--dance"),
        ("check-config", "x.yaml", "y.yaml"),
        ("demo", "--log-format", "xml"),
        ("demo", "--listen", "nonsense"),
        ("demo", "--listen", "127.0.0.1:65536"),
        ("demo", "--listen", "it's:8630"),
        ("simulate", "--listen", "8631"),
        ("simulate", "--listen", "8631:"),
        ("simulate", "--listen", "127.0.0.1:²"),
        ("simulate", "--listen", "127.0.0.1:65536"),
    ],
    ids=lambda words: " ".join(words) or "nothing",
)
def test_wrong_usage_is_explained_and_exits_2(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["timbres-monitor", *arguments])
    with pytest.raises(SystemExit) as exit_:
        main()
    output, errors = capsys.readouterr()
    assert exit_.value.code == 2
    assert "Usage:" in output or "Error" in errors
    assert "Traceback" not in errors
    assert "internal error" not in errors


def test_wrong_usage_exits_2_as_a_process_too() -> None:
    done = call("run", "--config", "x.yaml", "--log-format", "xml")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "'xml' is not one of 'text'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [("run", "--config"), ("demo", "--listen"), ("simulate", "--listen")])
def test_a_port_in_use_is_one_line(words: tuple[str, str], taken: str, tmp_path: Path) -> None:
    where = str(configure(tmp_path, account(NOWHERE), listen=taken)) if words[0] == "run" else taken
    done = call(*words, where)
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["timbres-monitor: cannot listen: the port is in use"]
    assert done.stdout == ""


@pytest.mark.parametrize("words", [("run", "--config"), ("check-config",)], ids=["run", "check-config"])
def test_every_fault_of_a_configuration_is_printed_at_once(words: tuple[str, ...]) -> None:
    done = call(*words, "a_dozen_faults.yaml", cwd=BAD)
    assert done.returncode == 1
    assert done.stderr == (BAD / "a_dozen_faults.expected").read_text(encoding="utf-8")
    assert done.stdout == ""


@pytest.mark.parametrize("words", [("run", "--config"), ("check-config",)], ids=["run", "check-config"])
@pytest.mark.parametrize(("name", "why"), [("no.yaml", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_one_line(
    words: tuple[str, ...], name: str, why: str, tmp_path: Path
) -> None:
    done = call(*words, name, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == f"{name}:1:1: cannot be read: {why}\n"


def test_check_config_says_what_it_found(tmp_path: Path) -> None:
    path = configure(tmp_path, account(NOWHERE, RFC, OTHER))
    done = call("check-config", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{path}: ok (accounts: 1, RFCs: 2)\n"


def test_check_config_prints_warnings_and_exits_0(tmp_path: Path) -> None:
    path = configure(tmp_path, account(NOWHERE, "EKU9003173C8", password="literal"))
    path.chmod(0o644)
    done = call("check-config", str(path))
    assert done.returncode == 0
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    assert all(re.match(rf"warning: {re.escape(str(path))}:\d+:\d+: ", line) for line in lines), lines
    assert "literal" not in done.stderr.replace("a literal", "")
    assert done.stdout == f"{path}: ok (accounts: 1, RFCs: 1)\n"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("good", [True, False], ids=["good", "broken"])
def test_a_reader_that_left_gets_no_traceback(stream: str, good: bool, tmp_path: Path) -> None:
    path = configure(tmp_path, account(NOWHERE, password="literal"))  # with a warning
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = call(
            "check-config", str(path) if good else str(BAD / "a_dozen_faults.yaml"), **{stream: writer}
        )
    finally:
        os.close(writer)
    assert done.returncode in (0, 1)
    for text in (done.stdout, done.stderr):
        assert "Traceback" not in (text or "")
        assert "BrokenPipe" not in (text or "")
        assert "Exception ignored" not in (text or "")


@pytest.mark.parametrize("words", [("--version",), ("--help",), ("check-config",)], ids=" ".join)
def test_an_output_that_is_full_or_closed_is_a_line_at_most(words: tuple[str, ...], tmp_path: Path) -> None:
    if words == ("check-config",):
        words = (*words, str(configure(tmp_path, account(NOWHERE))))
    with Path("/dev/full").open("w") as full:
        done = call(*words, stdout=full)
    assert done.returncode == 1
    assert done.stderr == "timbres-monitor: the output cannot be written: No space left on device\n"
    done = call(*words, preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "words", [("check-config",), ("test-alert",), ("check", "--timeout", "1s")], ids=" ".join
)
def test_the_configuration_is_told_with_its_option_or_without(words: tuple[str, ...], tmp_path: Path) -> None:
    path = str(configure(tmp_path, account(NOWHERE)))
    found = {(done.returncode, done.stdout) for done in (call(*words, path), call(*words, "--config", path))}
    assert len(found) == 1
    for wrong in ((), (path, "--config", path)):
        done = call(*words, *wrong)
        assert done.returncode == (3 if words[0] == "check" else 2)
        assert "name one configuration file, with --config or without" in done.stderr


def test_a_database_that_cannot_be_looked_for_is_not_taken_for_the_output(tmp_path: Path) -> None:
    state = {"url": f"sqlite:///{'x' * 300}.db"}
    path = write(tmp_path / "config.yaml", {"state": state, "accounts": [account(NOWHERE)]})
    done = call("rearm", "norte", "--config", str(path))
    assert done.returncode == 1
    assert done.stderr.endswith("x.db: File name too long\n")
    assert len(done.stderr.splitlines()) == 1


# How the service stops.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_stopping_awaits_the_call_under_way_and_starts_no_other(
    number: signal.Signals, tmp_path: Path
) -> None:
    names = list(islice(rfcs(), 10))
    pac = pac_of(*names)
    async with pac.serve() as url:
        config = configure(tmp_path, account(url, *names))
        async with running(config, env=ENV) as service:
            await service.until(lambda scrape: scrape.total("timbres_up") == 10)
            pac.faults["*"] = "500"
            await service.until(lambda scrape: scrape.total("timbres_up") == 0)
            pac.faults["*"] = "slow:4"
            await until(lambda: pac.sent["slow:4"] == 1 and pac.at_once == 1)
            calls = pac.calls.total()
            sent = time.monotonic()
            await until(lambda: time.monotonic() > sent + 1.2)  # an interval: the others are due, and wait
            service.process.send_signal(number)
            await until_not_ready(service)
            assert await service.process.wait() == 0
    # The answer under way arrived and was kept; the other nine were not waited for.
    told = re.findall(r"reading again|stopping +signal=(?:\w+)|stopped", "\n".join(service.log))
    assert [" ".join(words.split()) for words in told] == [
        f"stopping signal={number.name}",
        "reading again",
        "stopped",
    ], service.log
    assert pac.calls.total() == calls
    assert pac.sent["slow:4"] == 1


async def until_not_ready(service: Service) -> None:
    """Pages are served until the last answer has come."""
    async with asyncio.timeout(2.7):
        while True:
            async with service.http.get(f"{service.address}/-/ready") as response:
                if response.status == 503:
                    return


async def test_a_call_that_hangs_delays_the_stop_by_the_timeout_at_most(tmp_path: Path) -> None:
    pac = pac_of(faults={"*": "silent"})
    async with pac.serve() as url:
        config = configure(tmp_path, account(url), timeout="2s")
        async with running(config, env=ENV) as service:
            await until(lambda: pac.at_once == 1)
            assert await service.stop() == 0  # the pretend PAC would be silent for ever
    assert pac.calls.total() == 1


async def test_an_idle_service_does_not_wait_out_the_timeout(tmp_path: Path) -> None:
    pac = pac_of()
    async with pac.serve() as url:
        config = configure(tmp_path, account(url, interval="1h"), timeout="1h")
        async with running(config, env=ENV) as service:
            async with service.http.get(f"{service.address}/-/healthy") as response:
                assert response.status == 200
            assert await service.stop() == 0


# How it reloads, and what it logs.


async def test_a_reload_takes_over_a_good_file_and_leaves_a_broken_one_alone(tmp_path: Path) -> None:
    pac = pac_of(RFC, OTHER)
    async with pac.serve() as url:
        config = configure(tmp_path, account(url))
        async with running(config, env=ENV) as service:
            ok = "timbres_config_last_reload_successful"
            at = "timbres_config_last_reload_success_timestamp_seconds"
            first = await service.until(lambda scrape: scrape("timbres_up", account="norte", rfc=RFC))
            assert first(ok) == 1
            before = await service.get("/config")

            configure(tmp_path, account(url, RFC, "nonsense", colour="red"))
            service.hang_up()
            broken = await service.until(lambda scrape: scrape(ok) == 0)
            assert broken(at) == first(at)
            await service.until_log("configuration not reloaded", times=2)
            faults = [line for line in service.log if "configuration not reloaded" in line]
            assert len(faults) == 2
            assert all(re.search(rf"{re.escape(str(config))}:\d+:\d+: ", line) for line in faults)
            assert await service.get("/config") == before
            seen = pac.calls[RFC]
            await until(lambda: pac.calls[RFC] >= seen + 2)

            configure(tmp_path, account(url, OTHER, RFC))
            service.hang_up()
            good = await service.until(lambda scrape: scrape("timbres_up", account="norte", rfc=OTHER))
            assert good(ok) == 1
            assert good(at) > first(at)
            polls = good("timbres_polls_total", account="norte", rfc=RFC)
            assert polls >= broken("timbres_polls_total", account="norte", rfc=RFC)
            assert await service.stop() == 0
    assert len([line for line in service.log if "configuration reloaded" in line]) == 1


async def test_a_hang_up_while_it_starts_does_not_end_it(tmp_path: Path) -> None:
    pac = pac_of()
    async with pac.serve() as url:
        text = configure(tmp_path, account(url)).read_text(encoding="utf-8")
        pipe = tmp_path / "slow.yaml"
        os.mkfifo(pipe, 0o600)
        async with command("run", "--config", str(pipe), env=ENV) as service:
            # Opens once the service does: it has begun to read, and has not read.
            file = await asyncio.wait_for(asyncio.to_thread(pipe.open, "w", encoding="utf-8"), 30)
            service.hang_up()
            with file:
                file.write(text)
            await service.until_log("running", seconds=10)
            assert await service.stop() == 0


async def test_a_burst_of_reloads_is_survived(tmp_path: Path) -> None:
    pac = pac_of()
    async with pac.serve() as url:
        config = configure(tmp_path, account(url))
        async with running(config, env=ENV) as service:
            for _ in range(50):
                service.hang_up()
            await service.until_log("configuration reloaded")
            seen = pac.calls[RFC]
            await until(lambda: pac.calls[RFC] >= seen + 2)
            service.hang_up()
            assert await service.stop() == 0
    assert not [line for line in service.log if "error" in line.lower()]


async def test_a_change_of_state_is_a_line_and_a_poll_is_none(tmp_path: Path) -> None:
    pac = pac_of(RFC, OTHER)
    async with pac.serve() as url:
        config = configure(tmp_path, account(url, RFC, OTHER))
        async with running(config, env=ENV) as service:

            def failed(reason: str, times: int) -> Callable[[Exposition], bool]:
                labels = {"account": "norte", "rfc": OTHER, "reason": reason}
                return lambda scrape: (scrape("timbres_poll_errors_total", **labels) or 0) >= times

            async def recovered(times: int) -> None:
                del pac.faults[OTHER]
                await service.until_log("reading again", times=times)

            await service.until(lambda scrape: scrape.total("timbres_up") == 2)
            quiet = len(service.log)
            pac.faults[OTHER] = "500"
            await service.until(failed("unavailable", 3))
            await recovered(1)
            pac.faults[OTHER] = "611"
            await service.until(failed("rejected", 2))
            pac.faults[OTHER] = "html"
            await service.until(failed("garbled", 1))
            await recovered(2)
            lines = service.log[quiet:]
            assert await service.stop() == 0
    (unreadable,) = (line for line in lines if "answer could not be read" in line)
    assert "not_soap: a DOCTYPE, which SOAP forbids (text/html, " in unreadable
    changes = [line for line in lines if line is not unreadable]
    told = [re.search(r"no reading.*reason=(\w+)|reading again", line) for line in changes]
    assert [match and match[1] for match in told] == ["unavailable", None, "rejected", "garbled", None], lines
    assert all(f"rfc={OTHER}" in line and "account=norte" in line for line in lines)


async def test_json_lines_are_json_whatever_is_logged(tmp_path: Path) -> None:
    pac = pac_of(RFC)
    async with pac.serve() as url:
        config = configure(tmp_path, account(url, password=PASSWORD))  # with a warning
        async with running(config, "--log-format", "json") as service:
            await service.until_log("credential works")
            pac.faults["*"] = "500"
            await service.until_log("no reading")
            host, port = service.address.removeprefix("http://").split(":")
            for garbage in (
                b"\x16\x03\x01\x00\xa5\x01\x00\r\n\r\n",
                b"GET / HTTP/9.9\r\n\r\n",
                b"GET /\xff\r\n\r\n",
            ):
                reader, writer = await asyncio.open_connection(host, int(port))
                writer.write(garbage)
                await reader.read()  # until it hangs up
                writer.close()
                await writer.wait_closed()
            pac.faults["*"] = "601"
            await service.until_log("account held")
            configure(tmp_path, account(url, colour="red"))
            service.hang_up()
            await service.until_log("not reloaded")
            assert await service.stop() == 0
    lines = [json.loads(line) for line in service.log]
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)
    events = [line["event"] for line in lines]
    for event in ("configuration", "running", "no reading", "account held", "configuration not reloaded"):
        assert event in events


LIBRARIES = """
import asyncio, gc, logging, sys, warnings
from monitor.log import Format, configure
configure(Format(sys.argv[1]))
warnings.warn("old ways\\nof doing it", RuntimeWarning)
logging.getLogger("aiohttp.client").error("two\\nlines of %s", "words")
try:
    raise ValueError("hunter2")
except ValueError:
    logging.getLogger("aiohttp.client").exception("Error handling request")
async def fail():
    raise ValueError("hunter2")
async def main():
    task = asyncio.create_task(fail())
    await asyncio.sleep(0.01)
    del task
    gc.collect()
asyncio.run(main())
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_libraries_say_is_one_line_each_without_what_exceptions_quote(form: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIBRARIES, form], capture_output=True, text=True, timeout=60, check=True
    )
    lines = done.stderr.splitlines()
    assert len(lines) == 4, done.stderr
    assert "hunter2" not in done.stderr
    for line, words in zip(lines, ("old ways", "two", "Error handling", "never retrieved"), strict=True):
        assert words in line
    assert all("ValueError" in line for line in lines[2:])
    if form == "json":
        levels = [json.loads(line)["level"] for line in lines]
        assert levels == ["warning", "error", "error", "error"]


async def test_a_log_that_cannot_be_written_stops_no_poll(tmp_path: Path) -> None:
    """A full disk, or a reader of the log that left: both are an OSError at the next line."""
    listen = free()
    pac = pac_of(RFC)
    async with pac.serve() as url:
        config = configure(tmp_path, account(url, password=PASSWORD), listen=listen, max_in_flight=1)
        with Path("/dev/full").open("w") as full:
            process = await asyncio.create_subprocess_exec(
                *COMMAND, "run", "--config", str(config), stderr=full
            )
        try:
            await until(lambda: pac.sent["200"] >= 1 or process.returncode is not None)
            pac.faults["*"] = "500"
            await until(lambda: pac.sent["500"] >= 1 or process.returncode is not None)
            pac.faults["*"] = "503"  # which is logged while a place is taken
            await until(lambda: pac.sent["503"] >= 1 or process.returncode is not None)
            del pac.faults["*"]
            before = pac.sent["200"]
            await until(lambda: pac.sent["200"] > before or process.returncode is not None)
            assert process.returncode is None
            process.terminate()
            assert await asyncio.wait_for(process.wait(), 30) == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


# What nobody may read.

CORES = {"env": "hunter2norte", "file": "hunter2sur", "literal": "hunter2este", "wrong": "hunter2oeste"}


def password_of(core: str) -> str:
    """Every character that some encoding treats in its own way."""
    return f"{core}&<ñ%\" '>é\\ {core}"


def forms(username: str, password: str) -> Iterable[str]:
    """How a password could appear in a text."""
    raw = password.encode()
    yield password
    yield escape(password)
    yield html.escape(password)
    yield urllib.parse.quote(password, safe="")
    yield urllib.parse.quote_plus(password)
    yield json.dumps(password)[1:-1]
    yield json.dumps(password, ensure_ascii=False)[1:-1]
    yield repr(password)[1:-1]
    yield ascii(password)[1:-1]
    yield raw.hex()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw).decode().rstrip("=")[:-1]
        yield encode(f"{username}:{password}".encode()).decode().rstrip("=")[:-1]


def leaks(text: str) -> list[str]:
    found = [core for core in CORES.values() if core in text]
    return found + [
        form
        for name, core in CORES.items()
        for form in forms(f"ws@{name}.example", password_of(core))
        if form in text
    ]


def test_the_search_for_secrets_finds_them() -> None:
    secret = password_of(CORES["env"])
    for text in (secret, f"Basic {base64.b64encode(f'ws@env.example:{secret}'.encode()).decode()}"):
        assert leaks(f"a log line {text} and more")
    assert not leaks("a log line about hunter3")


@pytest.mark.parametrize("form", ["text", "json"])
async def test_no_secret_is_told_anywhere(form: str, tmp_path: Path) -> None:
    names = dict(zip(CORES, rfcs(), strict=False))
    pac = Pac(
        [Account(f"ws@{n}.example", password_of(core), {names[n]: Issuer(100)}) for n, core in CORES.items()]
    )
    pac.accounts["ws@wrong.example"].password = "changed"
    (tmp_path / "secret").touch(0o600)
    (tmp_path / "secret").write_text(password_of(CORES["file"]) + "\n", encoding="utf-8")
    env = {"TIMBRES_TEST_NORTE": password_of(CORES["env"]), "TIMBRES_TEST_OESTE": password_of(CORES["wrong"])}
    async with pac.serve() as url:
        told: dict[str, object] = {
            "env": {"env": "TIMBRES_TEST_NORTE"},
            "file": {"file": "secret"},
            "literal": password_of(CORES["literal"]),
            "wrong": {"env": "TIMBRES_TEST_OESTE"},
        }
        proxy = f"http://user:{CORES['literal']}@127.0.0.1:9"
        accounts = [
            account(url, names[name], name=name, username=f"ws@{name}.example", password=password)
            for name, password in told.items()
        ]
        accounts.append(accounts[2] | {"name": "proxied", "proxy": proxy, "username": "ws@proxied.example"})
        texts: list[str] = []
        config = configure(tmp_path, *accounts)
        async with running(config, "--log-format", form, env=env) as service:
            await service.until(lambda scrape: scrape.total("timbres_up") == 3)
            held = await service.until(lambda scrape: scrape("timbres_account_held", account="wrong"))
            assert held("timbres_account_hold_info", account="wrong", code="601") == 1

            async def look() -> None:
                for path in ("/", "/metrics", "/config", "/api/v1/quotas", "/nowhere"):
                    async with service.http.get(service.address + path) as response:
                        texts.append(await response.text())
                texts.append(Path(f"/proc/{service.process.pid}/cmdline").read_text())

            await look()
            # The PAC repeats the password in its answer; it, or something in between, talks nonsense.
            for faults in (("echo", "html", "mismatch"), ("cut", "redirect_307", "http_401")):
                pac.faults |= {
                    f"ws@{name}.example": fault for name, fault in zip(CORES, faults, strict=False)
                }
                await until(lambda faults=faults: all(pac.sent[fault] for fault in faults))
                await service.until(lambda scrape: scrape.total("timbres_up") == 0)
                await look()
            # Configurations in which the secret is what is wrong.
            literal = password_of(CORES["literal"])
            broken = [
                account(url, password=[literal]),
                account(url, password={literal: literal}),
                account(url, password={"env": literal}),
                account(url, password={"file": literal}),
                account(url, literal, **{literal: literal}),
                account(literal, proxy=f"ftp://user:{literal}@proxy"),
                account(
                    url, interval=literal, thresholds={"warning": {"available": literal}}, rfcs_file=literal
                ),
            ]
            configure(tmp_path, *broken)
            service.hang_up()
            await service.until(lambda scrape: scrape("timbres_config_last_reload_successful") == 0)
            config.write_text(f"accounts:\n  - name: x\n    password: {literal}\n  bad", encoding="utf-8")
            told_before = len(service.log)
            service.hang_up()
            await until(lambda: len(service.log) > told_before)
            done = await asyncio.to_thread(call, "check-config", str(config))
            texts += [done.stdout, done.stderr]
            await look()
            assert await service.stop() == 0
    assert len(service.log) > 10
    for text in (*texts, *service.log):
        assert not leaks(text), text
    assert sum("<secret>" in text for text in texts) >= 4  # on each /config
    assert pac.wrong_logins["ws@wrong.example"] == 1


# The pretend PAC, and the demo.


async def test_simulate_says_where_it_is_and_answers() -> None:
    async with command("simulate", "--listen", "127.0.0.1:0") as simulator:
        await until(lambda: len(simulator.output) >= 9)
        url = re.fullmatch(r"A pretend PAC at (http://\S+)", simulator.output[0])
        assert url is not None
        logins = [re.fullmatch(r"(\S+)  password (\S+)", line) for line in simulator.output]
        found = [
            (login[1], login[2], line.split()[0])
            for login, line in zip(logins, simulator.output[1:], strict=False)
            if login
        ]
        assert len(found) == 3
        for username, password, rfc in found:
            async with simulator.http.post(
                url[1], data=question(username, password, rfc), headers=SOAP
            ) as answer:
                text = await answer.text()
                assert re.search(r":status(?: [^>]*)?>200<", text), text
                assert "disponibles" in text
        overview = f"{url[1].partition('/ws/')[0]}/"
        async with simulator.http.get(overview) as page:
            assert "Faults now:\nno faults" in await page.text()
        assert await simulator.stop(signal.SIGINT) == 0
    assert simulator.log == []


SOAP = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"urn:getTimbres"'}


def question(username: str, password: str, rfc: str) -> bytes:
    fields = {"usuario": username, "password": password, "rfcEmisor": rfc}
    inner = "".join(f"<ut:{name}>{escape(value)}</ut:{name}>" for name, value in fields.items())
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><ut:getTimbres '
        'xmlns:ut="http://utilerias.timbrado.ws.cfdi.solucionfactible.com">'
        f"{inner}</ut:getTimbres></s:Body></s:Envelope>"
    ).encode()


@pytest.mark.slow
def test_the_demo_shows_what_it_promises_and_leaves_nothing(demo: Demo) -> None:
    demo.end()


def test_within_a_minute_one_rfc_of_the_demo_runs_low_and_one_runs_out() -> None:
    low, out = list(accounts()[0].issuers.values())[:2]
    assert 0 < (low.available - DEFAULTS.warning.available) / low.burn < 45
    assert 0 < out.available / out.burn < 45
    assert out.top_up == 0  # it stays at nothing


async def scenario(tmp_path: Path, started: Callable[[], None]) -> None:
    env = {"TMPDIR": str(tmp_path)}
    async with command("demo", "--listen", "127.0.0.1:0", env=env) as demo:
        await demo.until_log("running")
        await until(lambda: any("Ctrl-C" in line for line in demo.output))
        text = "\n".join(demo.output)
        assert f"{demo.address}/metrics" in text
        started()
        (folder,) = tmp_path.glob("timbres-demo-*")
        assert (folder.stat().st_mode & 0o077) == 0

        second = await asyncio.to_thread(call, "demo", "--listen", demo.address.removeprefix("http://"))
        assert second.returncode == 1
        assert second.stderr.splitlines() == ["timbres-monitor: cannot listen: the port is in use"]

        low, out = re.findall(r"([A-ZÑ]+[0-9]{6}\w{3}) runs", text)
        first = await demo.until(lambda scrape: scrape("timbres_available", account="norte", rfc=low))
        count = first.total("timbres_rfc_info")
        assert count == 40
        for forecast in ("timbres_time_left_seconds", "timbres_peak_day"):
            assert sum(len(first.all(forecast, account=name)) for name in ("norte", "sur", "filial")) == 40
        now = {"seconds": 180.0}  # for a machine that has other work; see the test of the minute
        await demo.until(
            lambda scrape: (
                sum(
                    scrape.all("timbres_used", account=name).get(rfc, 0) > used
                    for name in ("norte", "sur")
                    for rfc, used in first.all("timbres_used", account=name).items()
                )
                > 10
            ),
            **now,
        )

        def is_low(scrape: Exposition) -> bool:
            limit = scrape("timbres_available_threshold", account="norte", rfc=low, severity="warning")
            return 0 < scrape("timbres_available", account="norte", rfc=low) <= limit

        await demo.until(is_low, **now)
        end = await demo.until(
            lambda scrape: scrape("timbres_available", account="norte", rfc=out) == 0, **now
        )
        assert end("timbres_up", account="norte", rfc=out) == 1
        assert end.all("timbres_account_held") == {"norte": 0, "sur": 0, "filial": 1}
        assert end("timbres_account_hold_info", account="filial", code="601") == 1
        assert end.total("timbres_polls_total", account="filial") == 1
        assert end("timbres_responses_total", account="filial", code="601") == 1
        # The account's right password is never tried, so the failures in a row are all there ever were.
        async with demo.http.get(re.findall(r"(http://\S+/) +the pretend PAC", text)[0]) as page:
            assert "ws@filial.example  state 200, 1 wrong logins in a row" in await page.text()

        assert await demo.stop(signal.SIGINT) == 0
    assert list(tmp_path.iterdir()) == []
    assert not [line for line in demo.log if "Traceback" in line or "internal error" in line]
    assert sum("account held" in line for line in demo.log) == 1
