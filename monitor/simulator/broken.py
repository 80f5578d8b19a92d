"""Faults of the connection: the PAC does its work, login included, and the answer is hurt on its way."""

import asyncio
import itertools
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache

from aiohttp import web

from monitor.simulator.envelope import Reply
from monitor.simulator.forced import XML, xml

Break = Callable[[web.BaseRequest, Reply], Awaitable[web.StreamResponse]]


async def silent(_request: web.BaseRequest, _reply: Reply) -> web.StreamResponse:
    """Wait for ever; the server cancels this when the client leaves."""
    never: asyncio.Future[web.StreamResponse] = asyncio.get_running_loop().create_future()
    return await never


async def slow(seconds: float, reply: Reply) -> web.StreamResponse:
    """The answer, `seconds` late."""
    await asyncio.sleep(seconds)
    return xml(reply.xml())


async def _stream(
    request: web.BaseRequest, chunks: AsyncIterator[bytes], length: int | None = None
) -> web.StreamResponse:
    response = web.StreamResponse(headers=XML)
    response.content_length = length
    await response.prepare(request)
    async for chunk in chunks:
        await response.write(chunk)
    return response


async def drip(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    """A byte a second: no read waits long, the whole takes minutes."""

    async def one_by_one() -> AsyncIterator[bytes]:
        for byte in body:
            yield bytes((byte,))
            await asyncio.sleep(1)

    body = reply.xml().encode()
    return await _stream(request, one_by_one(), len(body))


async def endless(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    """Chunks for as long as anybody reads them."""

    async def chunks() -> AsyncIterator[bytes]:
        yield reply.xml().removesuffix("</soapenv:Envelope>").encode()
        for _ in itertools.repeat(None):
            yield b"<!-- and so on -->" * 500
            await asyncio.sleep(0.001)  # a fast reader must not starve the other calls

    return await _stream(request, chunks())


@cache
def _bomb() -> bytes:
    packer = zlib.compressobj(wbits=31)
    block = bytes(1024 * 1024)
    return b"".join(packer.compress(block) for _ in range(50)) + packer.flush()


async def gzip(_request: web.BaseRequest, _reply: Reply) -> web.StreamResponse:
    """50 MiB of zeroes in 50 KB, though nobody asked for compression."""
    body = await asyncio.to_thread(_bomb)
    return web.Response(body=body, headers=XML | {"Content-Encoding": "gzip"})


def _raw(request: web.BaseRequest, data: bytes) -> web.StreamResponse:
    """Write these bytes, if any, and close. What is returned is never sent: the transport is closed."""
    if request.transport is not None:
        request.transport.write(data)
        request.transport.close()
    return web.Response()


def _answer(reply: Reply, sent: Callable[[bytes], bytes]) -> bytes:
    body = reply.xml().encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {XML['Content-Type']}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + sent(body)


async def close(request: web.BaseRequest, _reply: Reply) -> web.StreamResponse:
    """No byte, and an orderly close."""
    return _raw(request, b"")


async def cut(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    """Half of the body that Content-Length promised."""
    return _raw(request, _answer(reply, lambda body: body[: len(body) // 2]))


async def early(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    """The headers alone."""
    return _raw(request, _answer(reply, lambda _: b""))


async def not_http(request: web.BaseRequest, _reply: Reply) -> web.StreamResponse:
    """The greeting of some other protocol."""
    return _raw(request, b"220 mail.example ESMTP\r\n\r\n")


async def reset(request: web.BaseRequest, _reply: Reply) -> web.StreamResponse:
    """RST: a lingering time of zero makes the kernel send it in place of a FIN."""
    if request.transport is not None:
        plug = request.transport.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response()


BROKEN: dict[str, tuple[str, Break]] = {
    "silent": ("no answer ever, the connection stays open", silent),
    "drip": ("a valid answer, one byte a second", drip),
    "endless": ("a chunked answer without an end", endless),
    "gzip": ("Content-Encoding: gzip, though nobody asked: 50 MiB of zeroes", gzip),
    "close": ("the connection is closed without a byte", close),
    "reset": ("the connection is reset", reset),
    "early": ("the connection is closed after the headers", early),
    "cut": ("the connection is closed in the middle of the body", cut),
    "not_http": ("bytes that are not HTTP", not_http),
}
