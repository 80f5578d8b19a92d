"""How the interpreter divides its time and memory, set for a service with many objects and threads."""

import ctypes
import gc
import resource
import sys
from contextlib import suppress

M_ARENA_MAX = -8  # of glibc's malloc.h


def loading() -> None:
    """Much is about to be made that stays: the collector would look at it again and again."""
    gc.disable()


def loaded() -> None:
    """What was made stays."""
    gc.freeze()
    gc.enable()


def collect() -> None:
    """Free what holds itself in circles, as connections may. With 100,000 targets it takes 0.2 s."""
    gc.collect()


def tune() -> None:
    """To be called once, at the start of the process."""
    # With each call into the kernel the event loop lets go of the interpreter, and waits this long to
    # get it back from a thread that renders or reads a configuration: some six times a poll. At the
    # usual 5 ms a scrape of 100,000 targets delayed polls by half a second.
    sys.setswitchinterval(0.0001)
    # The last generation is left to `collect`: by itself it would walk through 100,000 rows every minute.
    gc.set_threshold(700, 10, 1_000_000)
    # A connection is a file, and the usual limit of 1,024 was made for programs that cannot use more.
    with suppress(OSError, ValueError):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # Threads that take turns gain nothing from heaps of their own, which keep 20 MB for themselves.
    with suppress(OSError, AttributeError, TypeError):  # not glibc
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
