"""The pages beside the endpoint: what the pretend PAC holds, and the faults it is told to have."""

from typing import TYPE_CHECKING

from aiohttp import web

from monitor.simulator.account import Issuer
from monitor.simulator.envelope import POOL
from monitor.simulator.fault import FAULTS, UnknownFault, find
from monitor.simulator.forced import page

if TYPE_CHECKING:
    from monitor.simulator.server import Pac

HELP = """\
To set a fault:    curl -X POST 'http://HOST/faults?target=TARGET&fault=FAULT'
To clear it:       curl -X POST 'http://HOST/faults?target=TARGET&fault='
TARGET is an RFC (write & as %26), implementacion, a username, or * for every call; the narrowest counts.
FAULT is one of these, any three digits but 200, http_NNN, http_NNN:SECONDS or slow:SECONDS:
"""


def handle(pac: "Pac", request: web.BaseRequest) -> web.Response:
    """Answer a request that is not for the endpoint."""
    match request.method, request.path:
        case "GET" | "HEAD", "/":
            return _text(_overview(pac, request.host))
        case "GET" | "HEAD", "/faults":
            return _text(_faults(pac))
        case "POST", "/faults":
            return _set(pac, request.query.get("target", ""), request.query.get("fault", ""))
        case _, "/" | "/faults":
            return page(405)
        case _:
            return page(404)


def _set(pac: "Pac", target: str, name: str) -> web.Response:
    if target not in _targets(pac):
        return _text(f"there is no target {target!r}; there are {', '.join(sorted(_targets(pac)))}\n", 400)
    if not name:
        pac.faults.pop(target, None)
        return _text(_faults(pac))
    try:
        find(name)
    except UnknownFault as error:
        return _text(f"{error}\n", 400)
    pac.faults[target] = name
    return _text(_faults(pac))


def _targets(pac: "Pac") -> set[str]:
    return {"*", POOL, *pac.accounts}.union(*(account.issuers for account in pac.accounts.values()))


def _faults(pac: "Pac") -> str:
    return "".join(f"{target}  {name}\n" for target, name in sorted(pac.faults.items())) or "no faults\n"


def _overview(pac: "Pac", host: str) -> str:
    pac.settle()
    lines = [f"A pretend PAC. {pac.at_once} calls under way.", ""]
    for account in pac.accounts.values():
        lines.append(f"{account.username}  state {account.state}, {account.failures} wrong logins in a row")
        lines += [_line(rfc, issuer, pac.calls[rfc]) for rfc, issuer in account.issuers.items()]
        if account.pool:
            lines.append(_line(POOL, account.pool, pac.calls[POOL]))
    lines += ["", "Faults now:", _faults(pac), HELP.replace("HOST", host)]
    lines += [f"  {name:<14}{summary}" for name, summary in FAULTS.items()]
    return "\n".join(lines) + "\n"


def _line(name: str, issuer: Issuer, calls: int) -> str:
    numbers = f"contracted {issuer.contracted:>9,}  used {issuer.used:>9,}  available {issuer.available:>9,}"
    return f"  {name:<15}{numbers}  calls {calls:,}"


def _text(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, headers={"X-Content-Type-Options": "nosniff"})
