"""What every request passes and every answer carries: who may ask, and what a page may do."""

import ipaddress
from collections.abc import Callable
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from monitor.log import where

log = structlog.get_logger()

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Server": "timbres-monitor",
    "X-Content-Type-Options": "nosniff",
}

#: What a page for people may do beside being text: load our own style, script and icon, and ask us again.
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def host_name(host: str) -> str:
    """The name in a `Host` header: no port, no brackets, lower case."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return host


def is_known(name: str, hosts: tuple[str, ...]) -> bool:
    """Whether we answer to this name. A page that rebinds its own name to us has another one."""
    if name in ("", "localhost") or name in (known.lower() for known in hosts):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_foreign(request: web.Request) -> bool:
    """Whether another site's page sent this: browsers say so in these headers."""
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        return True
    origin, host = request.headers.get("Origin"), request.host.lower()
    # Compared whole: an origin may also be `null` or nonsense.
    return origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}")


def shield(hosts: Callable[[], tuple[str, ...]]) -> Middleware:
    """The middleware. `hosts` gives the configured names as of now."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        response: web.StreamResponse
        name = host_name(request.headers.get("Host", ""))
        if not is_known(name, hosts()):
            shown = "".join(c for c in name[:253] if c.isprintable())
            response = web.Response(status=421, text=f"Misdirected request: add {shown} to web.hosts\n")
        elif request.method not in ("GET", "HEAD") and is_foreign(request):
            response = web.Response(status=403, text="Forbidden: sent by another site\n")
        else:
            try:
                response = await handler(request)
            except web.HTTPException as error:
                response = web.Response(
                    status=error.status,
                    text=f"{error.reason}\n" if error.empty_body or not error.text else f"{error.text}\n",
                    headers={"Allow": error.headers["Allow"]} if "Allow" in error.headers else None,
                )
            except Exception as error:  # noqa: BLE001  # no traceback reaches anybody
                log.error("internal error", path=request.path, error=where(error))
                response = web.Response(status=500, text="Internal error: see the log\n")
        return response

    return middleware


async def protect(_: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on an answer, also on one that aiohttp gives before it asks the middleware."""
    response.headers.update(HEADERS)
    if response.content_type == "text/html":
        response.headers["Content-Security-Policy"] = PAGE_POLICY
