"""Connections that ask for nothing: each holds a file, and without files there are no polls."""

import time
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from aiohttp.web_protocol import RequestHandler

PATIENCE = 30.0  # seconds that a connection has for its first request
MOST = 100  # connections without one: of more the oldest are closed


class Silent:
    """Those of a server that have not yet sent a complete request."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard: set[RequestHandler] = set()
        self._since: dict[RequestHandler, float] = {}  # in the order in which they came

    @property
    def middleware(self) -> Middleware:
        """By it, those who ask are known."""

        @web.middleware
        async def heard(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._heard.add(request.protocol)
            return await handler(request)

        return heard

    def close(self, server: web.Server) -> None:
        """Close those that have been silent for too long, and those that are too many. Done every second."""
        now = self._clock()
        connections = server.connections
        self._heard &= set(connections)
        self._since = {one: self._since.get(one, now) for one in connections if one not in self._heard}
        too_many = len(self._since) - MOST
        for place, (one, since) in enumerate(self._since.items()):
            if (place < too_many or now - since > PATIENCE) and one.transport is not None:
                one.transport.abort()
