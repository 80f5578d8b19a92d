"""`check`, as a process: what it sends, what it prints, and how it ends."""

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import sqlite3
import struct
import subprocess
import termios
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest

from monitor.config import load
from monitor.simulator import Account, Issuer, Pac
from monitor.store import peek
from tests import issuers
from tests.service import COMMAND, Service, command, running

RFCS = list(islice(issuers.rfcs(), 200))
PASSWORD = "s3creto"
ENV = {"PYTHONPATH": str(Path(__file__).parent.parent), "TERM": "xterm"}
COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def account(url: str, *rfcs: object, name: str = "norte", **rest: Any) -> dict[str, Any]:
    login = {"username": f"ws@{name}.example", "password": PASSWORD}
    return {"name": name, "endpoint": url, **login, "rfcs": list(rfcs), **rest}


def customer(available: dict[str, int], name: str = "norte", **rest: Any) -> Account:
    """Of 1,000,000 stamps, so many are left."""
    every = {rfc: Issuer(1_000_000, 1_000_000 - left) for rfc, left in available.items()}
    return Account(f"ws@{name}.example", PASSWORD, every, **rest)


def configure(folder: Path, *accounts: dict[str, Any], name: str = "config.yaml", **rest: Any) -> Path:
    poll = {"interval": "1s", "timeout": "5s", **rest.pop("poll", {})}
    told = {"web": {"listen": "127.0.0.1:0"}, "poll": poll, "accounts": [*accounts], **rest}
    return issuers.write(folder / name, told)


async def call(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, its streams in pipes."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, stdout=-1, stderr=-1, env=os.environ | ENV | (env or {})
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return subprocess.CompletedProcess(arguments, process.returncode, out.decode(), err.decode())


async def check(config: Path, *options: str, **rest: Any) -> subprocess.CompletedProcess[str]:
    return await call("check", "--config", str(config), *options, **rest)


async def on_a_terminal(columns: int, config: Path) -> tuple[int, str, str]:
    """Exit code, output and errors of `check` at two terminals."""
    ends = [pty.openpty(), pty.openpty()]
    for _, slave in ends:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *("check", "--config", str(config)),
        stdout=ends[0][1],
        stderr=ends[1][1],
        env={k: v for k, v in (os.environ | ENV).items() if k not in ("COLUMNS", "LINES", "NO_COLOR")},
    )
    for _, slave in ends:
        os.close(slave)
    texts = await asyncio.gather(*(asyncio.to_thread(everything, master) for master, _ in ends))
    return await process.wait(), texts[0], texts[1]


def everything(master: int) -> str:
    """What was written to a terminal until everybody has closed it."""
    data = b""
    with contextlib.suppress(OSError):
        while chunk := os.read(master, 65536):
            data += chunk
    os.close(master)
    return data.decode().replace("\r\n", "\n")


def lines_of(text: str) -> dict[str, str]:
    """The lines of a table, by RFC."""
    lines = COLOUR.sub("", text).splitlines()
    found = {line.split()[2]: line for line in lines if len(line.split()) > 6}
    return {rfc: line for rfc, line in found.items() if rfc in RFCS}


# Exit codes

LEVELS = {"ok": 1_000, "warning": 50, "critical": 10, "unknown": None}


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (["ok"], 0),
        (["ok", "warning"], 1),
        (["ok", "critical", "warning", "unknown"], 2),
        (["ok", "unknown"], 3),
        (["warning", "unknown"], 1),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else None,
)
async def test_alone_the_exit_code_is_the_worst_that_was_found(
    found: list[str], code: int, tmp_path: Path
) -> None:
    left = {rfc: LEVELS[level] for rfc, level in zip(RFCS, found, strict=False)}
    pac = Pac([customer({rfc: number or 0 for rfc, number in left.items()})])
    pac.faults |= {rfc: "500" for rfc, number in left.items() if number is None}
    async with pac.serve() as url:
        done = await check(configure(tmp_path, account(url, *left)), "--output", "json")
    assert done.returncode == code
    told = json.loads(done.stdout)
    assert [target["level"] for target in told["targets"]] == found
    assert dict(pac.calls) == dict.fromkeys(left, 1)


async def test_beside_a_service_it_never_polls_and_has_the_same_exit_codes(tmp_path: Path) -> None:
    norte, sur, malo = RFCS[:4], RFCS[4:6], RFCS[6:8]
    pac = Pac(
        [
            customer(dict.fromkeys(norte, 1_000)),
            customer(dict.fromkeys(sur, 1_000), "sur"),
            customer(dict.fromkeys(malo, 1_000), "malo"),
        ]
    )
    async with pac.serve() as url:
        good = account(url, *norte)
        failing, bad = (
            account(url, *sur, name="sur"),
            account(url, *malo, name="malo") | {"password": "n0t-this"},
        )
        config = configure(tmp_path, good, failing, bad)
        async with running(config) as service:
            await service.until(
                lambda m: (
                    m("timbres_account_held", account="malo")
                    and m.total("timbres_consumed_total") == 0
                    and len(m.all("timbres_consumed_total", account="norte")) == 4
                    and len(m.all("timbres_consumed_total", account="sur")) == 2
                )
            )
            pac.faults |= dict.fromkeys(sur, "500")
            await service.until(
                lambda m: all(
                    m("timbres_poll_errors_total", account="sur", rfc=rfc, reason="unavailable")
                    for rfc in sur
                )
            )
            # From here on the service has nothing to do, so that every call would be the command's.
            configure(
                tmp_path,
                good | {"interval": "30d"},
                failing | {"interval": "30d"},
                bad,
                poll={"interval": "30d"},
            )
            service.hang_up()
            await service.until_log("configuration reloaded")
            before = None
            while before != pac.calls:  # turns that were waiting for their place still come
                before = pac.calls.copy()
                await asyncio.sleep(1.0)
            pac.faults |= dict.fromkeys(norte, "500")
            pac.calls.clear()

            def judging(*accounts: dict[str, Any], **thresholds: Any) -> Path:
                return configure(
                    tmp_path,
                    *accounts,
                    name="other.yaml",
                    thresholds=thresholds,
                    state={"url": "sqlite:///timbres.db"},
                )

            warned = await check(judging(good, warning={"available": 2_000}))
            urgent = await check(
                judging(good, failing, bad, warning={"available": 2_000}, critical={"available": 1_000})
            )
            failed = await check(judging(good, failing), "--output", "json")
            held = await check(judging(bad), "--output", "json")
            fine = await check(judging(good))
            calls = set(pac.calls) - set(sur)  # what fails has early turns
    assert (fine.returncode, warned.returncode, urgent.returncode) == (0, 1, 2), fine.stdout
    assert (failed.returncode, held.returncode) == (3, 3)
    assert not calls
    assert "as stored by the running service" in fine.stdout
    assert all(
        re.search(r" 1,000 +1,000,000 +999,000 +[0-9]+[sm]\b", line)
        for line in lines_of(fine.stdout).values()
    )
    assert [(t["rfc"], t["level"], t["error"]) for t in json.loads(failed.stdout)["targets"]] == [
        *((rfc, "ok", None) for rfc in norte),
        *((rfc, "unknown", "no numbers when last asked") for rfc in sur),
    ]
    (hold,) = {(t["level"], t["error"]) for t in json.loads(held.stdout)["targets"]}
    assert hold[0] == "unknown"
    assert re.match(
        rf"the account is held: 601; the answer for ({malo[0]}|{malo[1]}): 601: wrong user", hold[1]
    )
    assert pac.wrong_logins == {"ws@malo.example": 1}


async def test_whatever_goes_wrong_with_the_command_itself_exits_3_with_a_word(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty.pem").touch()
    good = account("http://127.0.0.1:9/", RFCS[0])
    configs = {
        "broken": configure(tmp_path, good | {"rfcs": ["nonsense"]}, name="broken.yaml"),
        "disk": configure(
            tmp_path, good, name="disk.yaml", state={"url": f"sqlite:///{tmp_path}/file/timbres.db"}
        ),
        "crash": configure(tmp_path, good | {"ca_file": str(tmp_path / "empty.pem")}, name="crash.yaml"),
    }
    every = await asyncio.gather(
        *(check(config) for config in configs.values()),
        check(tmp_path / "missing.yaml"),
        call("check"),
        call("check", "--nonsense"),
        call("check", "--config", str(configs["disk"]), "--output", "xml"),
    )
    for done in every:
        assert done.returncode == 3, done
        assert done.stderr
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
    assert "Not a directory" in every[1].stderr


async def test_other_commands_exit_2_on_usage(tmp_path: Path) -> None:
    config = str(configure(tmp_path, account("http://127.0.0.1:9/", RFCS[0])))
    every = await asyncio.gather(
        call("run"),
        call("check-config"),
        call("rearm", "--config", config),
        call("rearm", "--config", config, "nobody"),
        call("simulate", "--listen", "nonsense"),
    )
    assert [done.returncode for done in every] == [2] * 5


# What is sent


async def test_a_wrong_password_is_sent_once_and_never_again(tmp_path: Path) -> None:
    pac = Pac([customer(dict.fromkeys(RFCS[:100], 1_000)), customer({RFCS[100]: 1_000}, "sur")])
    async with pac.serve() as url:
        config = configure(
            tmp_path,
            account(url, *RFCS[:100], max_in_flight=8) | {"password": "n0t-this"},
            account(url, RFCS[100], name="sur"),
        )
        for _ in range(2):
            done = await check(config, "--output", "json")
            assert done.returncode == 3
            levels = [target["level"] for target in json.loads(done.stdout)["targets"]]
            assert levels == ["unknown"] * 100 + ["ok"]
            assert sum(pac.calls[rfc] for rfc in RFCS[:100]) == 1
    assert pac.wrong_logins == {"ws@norte.example": 1}
    assert pac.calls[RFCS[100]] == 2


async def test_the_rfc_with_the_newest_reading_goes_first_of_all_that_share_the_credential(
    tmp_path: Path,
) -> None:
    pac = Pac([customer(dict.fromkeys(RFCS[:20], 1_000))])
    async with pac.serve() as url:
        other = account(url, *RFCS[10:20]) | {"name": "sur"}
        await check(configure(tmp_path, other | {"rfcs": [RFCS[17]]}))
        pac.calls.clear()
        assert (await check(configure(tmp_path, account(url, *RFCS[:10]), other))).returncode == 0
    assert next(iter(pac.calls)) == RFCS[17]
    assert dict(pac.calls) == dict.fromkeys(RFCS[:20], 1)


async def test_a_slow_account_keeps_no_other_waiting(tmp_path: Path) -> None:
    lento, norte = RFCS[:100], RFCS[100:105]
    pac = Pac(
        [customer(dict.fromkeys(lento, 1_000), "lento", latency=0.02), customer(dict.fromkeys(norte, 1_000))]
    )
    async with pac.serve() as url:
        config = configure(tmp_path, account(url, *lento, name="lento"), account(url, *norte))
        assert (await check(config)).returncode == 0
    order = list(pac.calls)
    assert max(order.index(rfc) for rfc in norte) < 20
    assert dict(pac.calls) == dict.fromkeys(lento + norte, 1)


async def test_it_keeps_within_what_an_account_may_have_in_flight(tmp_path: Path) -> None:
    pac = Pac([customer(dict.fromkeys(RFCS[:40], 1_000), latency=0.02)])
    async with pac.serve() as url:
        assert (await check(configure(tmp_path, account(url, *RFCS[:40], max_in_flight=3)))).returncode == 0
    assert pac.most_at_once == 3


# What is printed

KEYS = {"account", "rfc", "alias", "level", "contracted", "used", "available", "read_at", "asked_at", "error"}


async def test_json_tells_everything_of_every_target(tmp_path: Path) -> None:
    alias = 'Ñandú & "Hijos" [red] 🧾 שלום'
    pac = Pac([customer({RFCS[0]: 40, RFCS[1]: 2_000}, pool=Issuer(500, 100))])
    pac.faults[RFCS[1]] = "500"
    async with pac.serve() as url:
        told = {"rfc": RFCS[0], "alias": alias}
        config = configure(tmp_path, account(url, told, RFCS[1], implementation=True))
        done = await check(config, "--output", "json")
    found = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert found.keys() == {"level", "source", "accounts", "targets"}
    assert [account["name"] for account in found["accounts"]] == ["norte"]
    assert (found["level"], found["source"], done.returncode) == ("warning", "polled now", 1)
    read, failed, pool = (
        next(t for t in found["targets"] if t["rfc"] == r) for r in (*RFCS[:2], "implementacion")
    )
    assert len(found["targets"]) == 3
    assert all(target.keys() == KEYS for target in found["targets"])
    times = {"read_at": read["read_at"], "asked_at": read["read_at"]}
    numbers = {"contracted": 1_000_000, "used": 999_960, "available": 40}
    assert (
        read
        == {"account": "norte", "rfc": RFCS[0], "alias": alias, "level": "warning", "error": None}
        | numbers
        | times
    )
    assert failed["level"] == "unknown"
    assert failed["error"]
    assert failed["asked_at"] >= read["read_at"] - 60
    assert (failed["available"], failed["read_at"]) == (None, None)
    assert (pool["available"], pool["level"]) == (400, "ok")


async def shown(tmp_path: Path, columns: int | None, *aliases: str, left: int = 1_234) -> tuple[str, str]:
    """The table of a few dozen RFCs at a terminal, or piped, and what went to the error stream."""
    alias = cycle(aliases or ["Comercializadora TBC"])
    names = RFCS[:40]
    stamps = {rfc: left + 7 * number for number, rfc in enumerate(names)}
    stamps |= {names[30]: 9, names[20]: 44}
    every = {
        rfc: Issuer(max(1_000_000, 10 * left), max(1_000_000, 10 * left) - n) for rfc, n in stamps.items()
    }
    pac = Pac([Account("ws@norte.example", PASSWORD, every), customer(dict.fromkeys(RFCS[40:50], 1), "sur")])
    pac.faults[names[10]] = "500"
    async with pac.serve() as url:
        rows = [{"rfc": rfc, "alias": next(alias)} for rfc in names]
        config = configure(
            tmp_path,
            account(url, *rows, max_in_flight=4),
            account(url, *RFCS[40:50], name="sur") | {"password": "n0t-this"},
        )
        if columns is None:
            done = await check(config)
            code, out, err = done.returncode, done.stdout, done.stderr
        else:
            code, out, err = await on_a_terminal(columns, config)
    assert code == 2
    lines = lines_of(out)
    assert len(lines) == 50
    for rfc in names:
        issuer = every[rfc]
        numbers = (
            ("–",) * 3
            if rfc == names[10]
            else [f"{n:,}" for n in (stamps[rfc], issuer.contracted, issuer.used)]
        )
        assert lines[rfc].split()[3:6] == list(numbers), lines[rfc]
    assert [line.split()[0] for line in lines.values()] == ["critical", "warning"] + ["unknown"] * 11 + [
        "ok"
    ] * 37
    last = "1 critical, 1 warning, 11 unknown, 37 ok; polled now, but not 9 RFCs (held)"
    assert out.rstrip().splitlines()[-1] == last
    # Ten RFCs share one trouble, which is told once, beside that of the first and what is to be done.
    assert len(re.findall(r"^sur: ", COLOUR.sub("", out), re.MULTILINE)) == 3
    return out, err


@pytest.mark.parametrize("columns", [80, 140])
async def test_on_a_terminal_the_table_fits_and_has_colours(columns: int, tmp_path: Path) -> None:
    out, _ = await shown(tmp_path, columns)
    assert "\x1b[" in out
    plain = COLOUR.sub("", out)
    assert all(len(line) <= columns for line in plain.splitlines() if line.split()[:1] != ["sur:"]), plain
    assert ("Comercializadora TBC" if columns == 140 else "Comercial…") in plain


async def test_piped_there_are_no_colours_and_a_line_is_a_line(tmp_path: Path) -> None:
    alias = "Comercializadora de Abarrotes, Vinos y Licores del Noroeste y Anexas, " * 3
    out, err = await shown(tmp_path, None, alias.strip())
    assert "\x1b" not in out
    assert all(
        line.rstrip().endswith(alias.strip()) for rfc, line in lines_of(out).items() if rfc in RFCS[:40]
    )
    assert "Asking the PAC" not in err


@pytest.mark.parametrize("columns", [40, 80])
async def test_numbers_are_not_cut_however_narrow_the_terminal(columns: int, tmp_path: Path) -> None:
    await shown(tmp_path, columns, "Distribuidora" * 12, left=98_765_432_100)


async def test_an_alias_is_shown_as_it_is_and_moves_nothing_else(tmp_path: Path) -> None:
    aliases = [
        "[red]ALARM[/red] [/] \\[x]",
        "🧾🧾👩‍🔧 Fiesta",
        "שלום עולם",
        "trap \u202e 999 \u2067 x",
        ":warning: {x} %s",
    ]
    out, _ = await shown(tmp_path, None, *aliases)
    lines = lines_of(out)
    for rfc, alias in zip(RFCS[:40], cycle(aliases), strict=False):
        assert lines[rfc].rstrip().endswith(alias.replace("\u202e", "").replace("\u2067", "")), out


async def test_a_reader_that_leaves_changes_no_exit_code(tmp_path: Path) -> None:
    pac = Pac([customer({RFCS[0]: 5})])
    async with pac.serve() as url:
        config = configure(tmp_path, account(url, RFCS[0]))
        for form in ("table", "json"):
            reader, writer = os.pipe()
            os.close(reader)
            process = await asyncio.create_subprocess_exec(
                *COMMAND,
                *("check", "--config", str(config), "--output", form),
                stdout=writer,
                stderr=subprocess.PIPE,
                env=os.environ | ENV,
            )
            os.close(writer)
            _, err = await asyncio.wait_for(process.communicate(), 60)
            assert process.returncode == 2, (form, err)
            assert err == b""


@pytest.mark.parametrize("form", ["table", "json"])
async def test_an_output_that_cannot_be_written_changes_no_exit_code(form: str, tmp_path: Path) -> None:
    pac = Pac([customer({RFCS[0]: 5})])
    async with pac.serve() as url:
        words = " ".join(
            (*COMMAND, "check", "--output", form, "--config", str(configure(tmp_path, account(url, RFCS[0]))))
        )
        for where, said in (
            (">/dev/full", "the output cannot be written: No space left on device"),
            (">&-", ""),
        ):
            done = await asyncio.create_subprocess_shell(
                f"{words} {where}", stderr=subprocess.PIPE, env=os.environ | ENV
            )
            _, err = await asyncio.wait_for(done.communicate(), 60)
            assert done.returncode == 2, err
            assert err.decode() == (f"timbres-monitor: {said}\n" if said else "")


@pytest.mark.parametrize("form", ["table", "json"])
async def test_an_output_without_these_letters_is_no_fault(form: str, tmp_path: Path) -> None:
    pac = Pac([customer({RFCS[0]: 5_000})])
    async with pac.serve() as url:
        config = configure(tmp_path, account(url, {"rfc": RFCS[0], "alias": "Ñandú 🧾"}))
        done = await check(config, "--output", form, env={"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    if form == "json":
        assert json.loads(done.stdout)["targets"][0]["available"] == 5_000
    else:
        assert re.search(r"^[-+]+$", done.stdout, re.MULTILINE)
        assert "?and? ?" in done.stdout


# The bar


@pytest.mark.parametrize("slow", [True, False], ids=["slow", "quick"])
async def test_a_terminal_gets_a_progress_bar_when_it_takes_long(slow: bool, tmp_path: Path) -> None:
    pac = Pac([customer(dict.fromkeys(RFCS[:2], 1_000), latency=1.5 if slow else 0.0)])
    async with pac.serve() as url:
        code, out, err = await on_a_terminal(80, configure(tmp_path, account(url, *RFCS[:2])))
    assert code == 0
    assert "Asking the PAC" not in out
    assert ("Asking the PAC" in err) is slow
    if not slow:
        assert err == ""


async def test_a_pipe_gets_no_progress_bar(tmp_path: Path) -> None:
    pac = Pac([customer(dict.fromkeys(RFCS[:2], 1_000), latency=1.5)])
    async with pac.serve() as url:
        done = await check(configure(tmp_path, account(url, *RFCS[:2])))
    assert (done.returncode, done.stderr) == (0, "")


# Without a service


async def command_of(config: Path, *arguments: str) -> tuple[int, str]:
    done = await call(arguments[0], "--config", str(config), *arguments[1:])
    return done.returncode, done.stdout + done.stderr


ONE_LOGIN = "one login goes out, with the user and password as they are"


async def test_where_no_service_runs_a_hold_is_released_at_once_and_that_is_said(tmp_path: Path) -> None:
    pac = Pac([customer(dict.fromkeys(RFCS[:2], 1_000))])
    pac.rotate("ws@norte.example", "another")
    async with pac.serve() as url:
        config = configure(tmp_path, account(url, *RFCS[:2]))
        code, words = await command_of(config, "rearm", "norte")
        assert (code, "there is no database yet" in words) == (1, True)
        held = await check(config)
        assert held.returncode == 3
        assert "norte: the account is held: 601; the answer for " in held.stdout
        again = await check(config)
        assert "the account is held" in again.stdout
        assert (
            "norte: held: nothing is sent until user or password in the configuration are others, or somebody"
            " releases it. If the password or the user is wrong in the configuration: correct it. If they are"
            f" right, and the cause is mended: timbres-monitor rearm --config {config} norte\n"
        ) in again.stdout
        assert pac.wrong_logins.total() == 1
        words = f"norte: released; no service runs: with the next `run` or `check` {ONE_LOGIN}\n"
        assert await command_of(config, "rearm", "norte") == (0, words)
        released = await peek(load(config).state.url)
        assert [(one.hold, one.wait) for one in released.standings.values()] == [(None, 0)]
        assert (await check(config)).returncode == 3
        assert pac.wrong_logins.total() == 2
        pac.rotate("ws@norte.example", PASSWORD)
        released = await check(config, "--rearm", "norte")
        assert (released.returncode, released.stderr) == (0, "")
        assert await command_of(config, "rearm", "norte") == (0, "norte: not held\n")
        wrong = await check(config, "--rearm", "sur")
    assert (wrong.returncode, "no such account: sur; configured: norte" in wrong.stderr) == (3, True)
    assert pac.wrong_logins.total() == 2


async def test_it_does_not_wait_for_what_comes_too_late(tmp_path: Path) -> None:
    pac = Pac([customer(dict.fromkeys(RFCS[:3], 1_000)), customer({RFCS[3]: 1_000}, "sur")])
    pac.faults |= dict.fromkeys(RFCS[:3], "500")
    async with pac.serve() as url:
        config = configure(tmp_path, account(url, *RFCS[:3]), account(url, RFCS[3], name="sur"))
        done = await check(config, "--timeout", "4s")
        beside = await check(config, "--timeout", "nonsense")
    assert done.returncode == 3
    assert "norte: not yet seen to work; next call not before " in done.stdout
    assert "polled now, but not 2 RFCs (the wait before the next call is longer" in done.stdout
    assert pac.calls.total() == 2  # one of each account
    assert beside.returncode == 3
    assert "must be a duration" in beside.stderr


def time_passed(folder: Path, seconds: float) -> None:
    """So long ago the last answers came, as far as the database knows."""
    with closing(sqlite3.connect(folder / "timbres.db")) as database, database:
        database.execute("UPDATE credential SET at = at - ?", (seconds,))


async def test_what_it_waits_for_is_said_and_asked_then(tmp_path: Path) -> None:
    pac = Pac([customer({RFCS[0]: 1_000})], faults={"*": "500"})
    async with pac.serve() as url:
        config = configure(tmp_path, account(url, RFCS[0]))
        await check(config)
        pac.faults.clear()
        time_passed(tmp_path, 24)
        done = await check(config)
    waiting = (
        r"waiting: norte \([1-4] s\): not yet seen to work: the account waits .*; the last answer: 500: "
    )
    assert re.search(waiting, done.stderr), done.stderr
    assert (done.returncode, "polled now\n" in done.stdout) == (0, True)
    assert pac.calls.total() == 2


async def test_again_and_again_it_asks_once_the_stored_wait_is_over(tmp_path: Path) -> None:
    pac = Pac([customer({RFCS[0]: 1_000})], faults={"*": "500"})
    async with pac.serve() as url:
        config = configure(tmp_path, account(url, RFCS[0]))
        assert "polled now\n" in (await check(config, "--timeout", "1s")).stdout
        pac.faults.clear()
        early = await check(config, "--timeout", "1s")
        assert "not polled: 1 RFC (the wait" in early.stdout
        assert "polled now" not in early.stdout
        assert pac.calls.total() == 1
        time_passed(tmp_path, 30)
        later = await check(config, "--timeout", "1s")
    assert (later.returncode, "polled now\n" in later.stdout) == (0, True)


async def test_a_call_that_hangs_is_said(tmp_path: Path) -> None:
    pac = Pac([customer({RFCS[0]: 1_000})], faults={"*": "silent"})
    async with pac.serve() as url:
        done = await check(configure(tmp_path, account(url, RFCS[0])), "--timeout", "1s")
    assert re.search(
        rf"waiting: norte: no answer for {RFCS[0]} since [23] s \(a call ends after 5 s\)", done.stderr
    )
    assert done.returncode == 3


async def test_what_the_pac_makes_it_wait_for_is_said(tmp_path: Path) -> None:
    pac = Pac([customer(dict.fromkeys(RFCS[:2], 1_000))], faults={"*": "http_503:600"})
    async with pac.serve() as url:
        done = await check(configure(tmp_path, account(url, *RFCS[:2])), "--timeout", "3s")
    assert done.returncode == 3
    assert "1 RFC (the wait before the next call is longer than --timeout)" in done.stdout


async def test_a_call_under_way_is_not_broken_off_when_time_is_up(tmp_path: Path) -> None:
    pac = Pac([customer(dict.fromkeys(RFCS[:2], 1_000), latency=2.0)])
    async with pac.serve() as url:
        config = configure(tmp_path, account(url, *RFCS[:2]))
        done = await check(config, "--timeout", "1s", "--output", "json")
        found = {target["rfc"]: target["available"] for target in json.loads(done.stdout)["targets"]}
        assert found == {RFCS[0]: 1_000, RFCS[1]: None}
        assert json.loads(done.stdout)["accounts"][0]["last_answer"] is None  # no login was lost
    assert pac.calls.total() == 1


@pytest.mark.slow
async def test_a_service_that_starts_beside_it_waits_for_it_to_end(tmp_path: Path) -> None:
    pac = Pac([customer(dict.fromkeys(RFCS[:2], 1_000))], faults={"*": "silent"})
    async with pac.serve() as url:
        # Its one call takes so long; for the wait after it there is no time.
        config = configure(tmp_path, account(url, *RFCS[:2]), poll={"timeout": "20s"})
        checking = asyncio.create_task(check(config, "--timeout", "20s"))
        while not pac.at_once:
            await asyncio.sleep(0.05)
        async with command("run", "--config", str(config), env=ENV) as service:
            line = await service.until_log("waiting for a command to end")
            assert "is locked by process" in line
            assert await service.stop() == 0  # it can be stopped meanwhile
        async with running(config, env=ENV) as service:
            await service.until_log("waiting for a command to end")
            assert (await checking).returncode == 3
            await service.until_log("running")
            assert await service.stop() == 0
    assert pac.calls.total() == 1


# Releasing beside somebody who polls


@asynccontextmanager
async def holding(folder: Path, rfcs: Sequence[str] = RFCS[:2]) -> AsyncIterator[tuple[Pac, Path, Service]]:
    """A service that holds its one account, as the PAC has another password."""
    pac = Pac([customer(dict.fromkeys(rfcs, 1_000))])
    pac.rotate("ws@norte.example", "another")
    async with pac.serve() as url:
        config = configure(folder, account(url, *rfcs))
        async with running(config, env=ENV) as service:
            await service.until(lambda m: m("timbres_account_held", account="norte") == 1)
            yield pac, config, service


async def test_a_release_beside_a_service_is_told_and_waited_for(tmp_path: Path) -> None:
    async with holding(tmp_path) as (pac, config, service):
        code, words = await command_of(config, "rearm", "norte")
        assert re.fullmatch(
            rf"norte: released by the running service \(process \d+\): {ONE_LOGIN}\n", words
        ), words
        assert code == 0
        await service.until(lambda m: m("timbres_account_held", account="norte") == 1)
        assert pac.wrong_logins.total() == 2
        pac.rotate("ws@norte.example", PASSWORD)
        done = await check(config, "--rearm", "norte")
        assert re.match(r"norte: released by the running service .*\nwaiting: the next call", done.stderr)
        assert "held" not in done.stdout
        assert (await service.metrics())("timbres_account_unproven", account="norte") == 0


async def test_a_check_that_waits_obeys_a_release(tmp_path: Path) -> None:
    pac = Pac([customer(dict.fromkeys(RFCS[:2], 1_000))], faults={"*": "500"})
    async with pac.serve() as url:
        config = configure(tmp_path, account(url, *RFCS[:2]))
        checking = asyncio.create_task(check(config, "--timeout", "50s"))
        while not pac.calls:
            await asyncio.sleep(0.05)
        pac.faults.clear()
        beside = await check(config)
        assert "as stored before; another check polls now (process " in beside.stdout
        code, words = await command_of(config, "rearm", "norte")
        assert re.match(r"norte: released by the `check` that polls now \(process \d+\): one login", words), (
            words
        )
        assert code == 0
        assert "polled now\n" in (await asyncio.wait_for(checking, 15)).stdout  # without its half minute
        assert pac.calls.total() == 2


async def test_a_release_that_nobody_obeys_fails_and_releases_nothing_later(tmp_path: Path) -> None:
    pac = Pac([customer(dict.fromkeys(RFCS[:2], 1_000))])
    pac.rotate("ws@norte.example", "another")
    async with pac.serve() as url:
        config = configure(tmp_path, account(url, *RFCS[:2]))
        async with running(config, env=ENV) as service:
            await service.until(lambda m: m("timbres_account_held", account="norte") == 1)
            service.process.send_signal(signal.SIGSTOP)
            code, words = await command_of(config, "rearm", "norte")
            service.process.send_signal(signal.SIGCONT)
            assert code == 1
            assert re.match(
                r"norte: not released: the running service \(process \d+\) has not done it", words
            )
            await asyncio.sleep(2.5)  # it looks every second
            assert (await service.metrics())("timbres_account_held", account="norte") == 1
        assert (await check(config)).returncode == 3
    assert pac.wrong_logins.total() == 1


async def test_beside_a_service_that_has_another_password_nothing_is_said_of_the_one_in_the_file(
    tmp_path: Path,
) -> None:
    pac = Pac([customer(dict.fromkeys(RFCS[:2], 1_000)), customer({RFCS[2]: 1_000}, "sur")])
    pac.rotate("ws@norte.example", "another")
    async with pac.serve() as url:
        norte, sur = account(url, *RFCS[:2]), account(url, RFCS[2], name="sur")
        config = configure(tmp_path, norte, sur)
        async with running(config, env=ENV) as service:
            await service.until(lambda m: m("timbres_account_held", account="norte") == 1)
            configure(tmp_path, norte | {"password": "another"}, sur)
            code, words = await command_of(config, "rearm", "norte")
            assert (code, words) == (
                1,
                "norte: not released: the service has not loaded this account as it is in the configuration; "
                "reload it first (SIGHUP)\n",
            )
            done = await check(config)
            assert "norte: the account is held: 601" in done.stdout
            assert "has not loaded norte as in the configuration: reload it" in done.stdout
            assert pac.wrong_logins.total() == 1
            service.hang_up()
            await service.until(lambda m: m.total("timbres_up", account="norte") == 2)
            assert await command_of(config, "rearm", "norte") == (0, "norte: not held\n")
    assert pac.wrong_logins.total() == 1


async def test_a_release_whose_command_is_killed_releases_nothing_later(tmp_path: Path) -> None:
    async with holding(tmp_path) as (pac, config, service):
        service.process.send_signal(signal.SIGSTOP)
        async with command("rearm", "--config", str(config), "norte", env=ENV) as killed:
            while not requests(tmp_path):
                await asyncio.sleep(0.05)
            killed.process.kill()
            await killed.process.wait()
        with closing(sqlite3.connect(tmp_path / "timbres.db")) as database, database:
            database.execute("UPDATE request SET at = at - 60")  # a minute later
        service.process.send_signal(signal.SIGCONT)
        await service.until_log("a request to release was not taken in time, and is void")
        assert (await service.metrics())("timbres_account_held", account="norte") == 1
    assert pac.wrong_logins.total() == 1


def requests(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "timbres.db")) as database:
        (found,) = database.execute("SELECT count(*) FROM request").fetchone()
    return int(found)


async def test_beside_a_service_that_asks_another_endpoint_its_readings_are_shown(tmp_path: Path) -> None:
    pac = Pac([customer(dict.fromkeys(RFCS[:2], 1_000))])
    async with pac.serve() as url:
        norte = account(url, *RFCS[:2])
        config = configure(tmp_path, norte)
        async with running(config, env=ENV) as service:
            await service.until(
                lambda m: m.total("timbres_consumed_total") == 0 and m.total("timbres_up") == 2
            )
            configure(tmp_path, norte | {"endpoint": f"{url}/other"})
            done = await check(config)
    assert done.returncode == 0
    assert "has not loaded norte as in the configuration: reload it" in done.stdout


async def test_after_a_release_beside_a_service_what_came_of_it_is_shown(tmp_path: Path) -> None:
    async with holding(tmp_path, RFCS[:1]) as (pac, config, service):
        pac.rotate("ws@norte.example", PASSWORD)
        done = await check(config, "--rearm", "norte", "--output", "json")
        (found,) = json.loads(done.stdout)["targets"]
        assert (done.returncode, found["available"], found["error"]) == (0, 1_000, None)
        await service.until_log("credential works")
