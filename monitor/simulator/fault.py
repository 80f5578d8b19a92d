"""Every way in which the pretend PAC can be told to misbehave, by name.

    NNN                  the vendor's status code NNN (not 200), whatever the login
    fault11 fault12      SOAP faults; also mismatch and epr, with the texts of Axis2
    http_NNN             HTTP status NNN with an HTML page
    http_NNN:SECONDS     the same with Retry-After; a date does as well
    redirect_NNN         301, 302, 303, 307, 308
    echo                 an error that repeats the password
    slow:SECONDS         the right answer, late

and the names of `dialect` (other stacks, the same meaning), `spoiled` (the form of the answer), `obscured`
(refusals that cannot be read) and `broken` (the connection). `FAULTS` lists them all, with one or two
examples of each pattern.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache

from aiohttp import web

from monitor.simulator import forced
from monitor.simulator.broken import BROKEN, Break, slow
from monitor.simulator.dialect import DIALECTS
from monitor.simulator.envelope import MESSAGES, Question, Reply
from monitor.simulator.obscured import ALWAYS, SOMETIMES
from monitor.simulator.spoiled import ODD, VALID, Spoil


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as a fault gets to see it. `reply` is the PAC's own, or a bare failure if `forced`."""

    request: web.BaseRequest
    question: Question
    reply: Reply


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to misbehave. If `forced` it answers instead of the PAC, and the login is not looked at."""

    name: str
    summary: str
    forced: bool
    strike: Callable[[Call], Awaitable[web.StreamResponse]]


def _forced(name: str, summary: str, answer: Callable[[Call], web.StreamResponse]) -> Fault:
    async def strike(call: Call) -> web.StreamResponse:
        return answer(call)

    return Fault(name, summary, True, strike)


def _spoiled(name: str, summary: str, spoil: Spoil) -> Fault:
    async def strike(call: Call) -> web.StreamResponse:
        answer = spoil(call.reply)
        return forced.xml(answer) if isinstance(answer, str) else answer

    return Fault(name, summary, False, strike)


def _broken(name: str, summary: str, break_: Break) -> Fault:
    return Fault(name, summary, False, lambda call: break_(call.request, call.reply))


def _code(code: int) -> Fault:
    summary = MESSAGES.get(code, "a status code that nobody has heard of")
    return _forced(str(code), summary, lambda call: forced.code(call.reply, code))


def _http(name: str, status: int, retry_after: str | None = None) -> Fault:
    summary = f"HTTP {status} with an HTML page" + (f" and Retry-After: {retry_after}" if retry_after else "")
    return _forced(name, summary, lambda _: forced.http(status, retry_after))


def _redirect(status: int) -> Fault:
    summary = f"HTTP {status} to another path of this server"
    return _forced(f"redirect_{status}", summary, lambda _: forced.redirect(status))


def _slow(name: str, seconds: float) -> Fault:
    return Fault(name, f"a valid answer after {seconds:g} s", False, lambda call: slow(seconds, call.reply))


NAMED = {
    fault.name: fault
    for fault in (
        *map(_code, (code for code in MESSAGES if code != 200)),
        _forced("fault11", "a SOAP 1.1 fault: unknown", lambda _: forced.soap_fault("unknown")),
        _forced("fault12", "a SOAP 1.2 fault: unknown", lambda _: forced.soap12()),
        _forced("mismatch", "a SOAP fault that names another namespace", lambda c: forced.mismatch(c.reply)),
        _forced("epr", "a SOAP fault: there is no such service", lambda c: forced.epr(str(c.request.url))),
        _forced(
            "echo", "status 500 that repeats user and password", lambda c: forced.echo(c.question, c.reply)
        ),
        *map(_redirect, (301, 302, 303, 307, 308)),
        *(_spoiled(name, *row) for name, row in (VALID | DIALECTS | ODD | ALWAYS | SOMETIMES).items()),
        *(_broken(name, *row) for name, row in BROKEN.items()),
    )
}


class UnknownFault(ValueError):
    """No fault has this name."""


_code_pattern = re.compile(r"[1-9][0-9]{2}")
_http_pattern = re.compile(r"http_([2-5][0-9]{2})(?::([ -~]+))?")
_slow_pattern = re.compile(r"slow:([0-9]+(?:\.[0-9]+)?)")


@cache
def find(name: str) -> Fault | None:
    """The fault of that name; `None` for "200", which asks for none. Raises `UnknownFault`."""
    if fault := NAMED.get(name):
        return fault
    if name == "200":
        return None
    if _code_pattern.fullmatch(name):
        return _code(int(name))
    if match := _http_pattern.fullmatch(name):
        return _http(name, int(match[1]), match[2])
    if match := _slow_pattern.fullmatch(name):
        return _slow(name, float(match[1]))
    raise UnknownFault(f"there is no fault {name!r}; there are {', '.join(FAULTS)}")


_EXAMPLES = (
    *("299", "999", "http_401", "http_403", "http_404", "http_407", "http_429", "http_429:30", "http_500"),
    *("http_502", "http_503", "http_503:30", "http_504", "slow:0.01", "slow:3"),
)

#: Name and one line of description of each; names of a pattern by example.
FAULTS: dict[str, str] = {name: fault.summary for name in (*NAMED, *_EXAMPLES) if (fault := find(name))}
