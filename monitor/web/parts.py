"""An answer that comes in parts: a large one neither stands in memory twice nor fills the socket at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from aiohttp import web

#: Bytes that are written at a time.
WRITE = 256 * 1024


async def answer(
    request: web.Request, parts: Sequence[bytes], headers: Mapping[str, str]
) -> web.StreamResponse:
    """Send these parts one after the other, as fast as they are taken."""
    response = web.StreamResponse(headers=headers)
    response.content_length = sum(map(len, parts))
    await response.prepare(request)
    if request.method != "HEAD":
        with suppress(ConnectionError):  # whoever asked has gone
            for chunk in joined(parts):
                await response.write(chunk)
            await response.write_eof()
    return response


def joined(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The same in fewer parts, of about `WRITE` bytes."""
    together: list[bytes] = []
    size = 0
    for part in parts:
        together.append(part)
        size += len(part)
        if size >= WRITE:
            yield b"".join(together)
            together, size = [], 0
    if together:
        yield b"".join(together)
