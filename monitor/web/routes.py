"""The endpoints of the service; `pages` has those for people, `api` those for programs."""

import asyncio
import math
from collections.abc import Iterator

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from monitor.metrics import Metrics
from monitor.web.api import api
from monitor.web.monitored import Monitored
from monitor.web.pages import pages
from monitor.web.parts import answer
from monitor.web.shield import protect, shield

SCRAPE_TIMEOUT = "X-Prometheus-Scrape-Timeout-Seconds"
MARGIN = 0.5  # seconds of it that are left for the way


def application(monitored: Monitored, *outer: Middleware) -> web.Application:
    """The web application over a monitor. What is `outer` sees every request first."""
    routes = web.RouteTableDef()

    @routes.get("/metrics")
    async def metrics(request: web.Request) -> web.StreamResponse:
        as_openmetrics = wants_openmetrics(",".join(request.headers.getall("Accept", ())))
        compressed = wants_gzip(",".join(request.headers.getall("Accept-Encoding", ())))
        snapshot = monitored.snapshot()  # here: in a thread, half of a reload could be seen
        parts = await asyncio.get_running_loop().run_in_executor(
            monitored.renderer,
            lambda: monitored.metrics.page(snapshot, as_openmetrics=as_openmetrics, compressed=compressed),
        )
        headers = {
            "Content-Type": Metrics.content_type(as_openmetrics=as_openmetrics),
            "Vary": "Accept, Accept-Encoding",
        }
        if compressed:
            headers["Content-Encoding"] = "gzip"
        return await answer(request, parts, headers)

    @routes.get("/probe")
    async def probe(request: web.Request) -> web.Response:
        account, rfc = request.query.get("account", ""), request.query.get("rfc", "")
        snapshot = await monitored.probe(account, rfc, patience(request.headers.get(SCRAPE_TIMEOUT, "")))
        if snapshot is None:
            text = "Not found: /probe?account=NAME&rfc=RFC polls one target of the configuration\n"
            return web.Response(status=404, text=text)
        as_openmetrics = wants_openmetrics(",".join(request.headers.getall("Accept", ())))
        return web.Response(
            body=Metrics.probe(snapshot, as_openmetrics=as_openmetrics),
            headers={
                "Content-Type": Metrics.content_type(as_openmetrics=as_openmetrics),
                "Vary": "Accept",
            },
        )

    @routes.get("/config")
    async def config(_: web.Request) -> web.Response:
        text = await asyncio.get_running_loop().run_in_executor(monitored.renderer, monitored.config.masked)
        return web.Response(text=text)

    @routes.get("/-/healthy")
    async def healthy(_: web.Request) -> web.Response:
        return web.Response(text="Healthy\n")

    @routes.get("/-/ready")
    async def ready(_: web.Request) -> web.Response:
        if monitored.ready:
            return web.Response(text="Ready\n")
        return web.Response(status=503, text=f"Not ready: {monitored.trouble or 'still loading'}\n")

    @routes.post("/-/reload")
    async def reload(_: web.Request) -> web.Response:
        if (refusal := lifecycle_off()) is not None:
            return refusal
        faults = await monitored.reload()
        if faults:
            text = "".join(f"{fault}\n" for fault in faults)
            return web.Response(status=500, text=f"Not reloaded, nothing changed:\n{text}")
        return web.Response(text="Reloaded\n")

    @routes.post("/-/rearm")
    async def rearm(request: web.Request) -> web.Response:
        if (refusal := lifecycle_off()) is not None:
            return refusal
        account = request.query.get("account", "")
        if await monitored.rearm(account):
            return web.Response(text="Released: one call is allowed\n")
        return web.Response(status=404, text="Not found: /-/rearm?account=NAME of the configuration\n")

    def lifecycle_off() -> web.Response | None:
        if monitored.config.web.lifecycle:
            return None
        return web.Response(status=403, text="Forbidden: set web.lifecycle to true to allow it\n")

    @web.middleware
    async def patient(request: web.Request, handler: Handler) -> web.StreamResponse:
        # A scrape in the moments of a start would find no series, and every alert would say "resolved".
        if not request.path.startswith("/-/"):
            await monitored.started()
        return await handler(request)

    app = web.Application(
        middlewares=[*outer, shield(lambda: monitored.config.web.hosts), patient], client_max_size=4096
    )
    app.on_response_prepare.append(protect)
    app.add_routes(routes)
    app.add_routes(pages(monitored))
    app.add_routes(api(monitored))
    return app


def patience(timeout: str) -> float | None:
    """How many seconds we may take if Prometheus waits so long for us; `None` if it does not say."""
    try:
        seconds = float(timeout)
    except ValueError:
        return None
    return max(0.0, seconds - MARGIN) if math.isfinite(seconds) and seconds > 0 else None


def wants_openmetrics(accept: str) -> bool:
    """Whether an `Accept` header prefers OpenMetrics 1.0 to the text format."""
    best = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for kind, given in _parts(accept):
        if kind in best and given.get("version", "1.0.0") in ("0.0.4", "0.0.1", "1.0.0"):
            best[kind] = max(best[kind], _weight(given))
    return best["application/openmetrics-text"] > 0 and (
        best["application/openmetrics-text"] >= best["text/plain"]
    )


def wants_gzip(accept_encoding: str) -> bool:
    """Whether an `Accept-Encoding` header names gzip, other than with `q=0`, which means no."""
    return any(coding == "gzip" and _weight(given) > 0 for coding, given in _parts(accept_encoding))


def _parts(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The members of an `Accept…` header, each with its parameters; all in lower case."""
    for part in header.split(","):
        name, *parameters = (word.strip().lower() for word in part.split(";"))
        yield name, dict(parameter.partition("=")[::2] for parameter in parameters)


def _weight(given: dict[str, str]) -> float:
    """The `q` among these parameters; nonsense is no wish."""
    try:
        return float(given.get("q", "1"))
    except ValueError:
        return 0.0
