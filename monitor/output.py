"""Standard streams that may be closed, full or left by their reader."""

import errno
import os
import sys
from contextlib import suppress

_OF_WRITING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}


def fault(error: Exception) -> str:
    """Why what was printed could not be written, if this error is of that: then nothing is tried again.
    "" if it is another, or nobody reads on.
    """
    if not isinstance(error, OSError) or sys.stdout is None:
        return ""
    unread = isinstance(error, BrokenPipeError)
    # Errors of files that we open have a name.
    if not unread and (error.filename is not None or error.errno not in _OF_WRITING):
        return ""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return "" if unread else f"the output cannot be written: {error.strerror}"


def encoding() -> str:
    return "utf-8" if sys.stdout is None else sys.stdout.encoding


def say(text: str) -> None:
    """A line for those who look, beside the output. Whether anybody does makes no difference."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)  # noqa: T201
