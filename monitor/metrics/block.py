"""Text of neighbouring targets that is made again only when one of them has changed.

Of 100,000 targets a fifth changes between two scrapes; the text of the others, plain and compressed,
is kept. Neighbours are polled near one another, so that what changes stands together.
"""

import math
import zlib
from collections.abc import Sequence

from monitor.metrics.family import Family, label
from monitor.metrics.of_targets import OF_TARGETS, Shown
from monitor.state import Row

#: Targets in a block: more make more text anew for each change, fewer make more pieces to join.
SIZE = 256


class Piece:
    """A part of a page, plain, and compressed once somebody asks for that."""

    __slots__ = ("_packed", "text")

    def __init__(self, text: bytes = b"") -> None:
        self.text = text
        self._packed: bytes | None = None

    @property
    def packed(self) -> bytes:
        """Raw deflate that ends at a byte and refers to nothing before: pieces may be joined."""
        if self._packed is None:
            deflate = zlib.compressobj(1, wbits=-15)
            self._packed = deflate.compress(self.text) + deflate.flush(zlib.Z_FULL_FLUSH)
        return self._packed


class Column:
    """The series of one metric of a block's targets."""

    __slots__ = ("_shown", "piece")

    def __init__(self) -> None:
        self._shown = hash(())  # of the samples, which themselves would take more memory than their text
        self.piece = Piece()

    def show(self, family: Family[Sequence[Shown]], some: Sequence[Shown]) -> None:
        samples = family.samples(some)
        shown = hash(tuple(samples))
        if shown != self._shown:
            self._shown = shown
            self.piece = Piece(family.printed(samples))


class Block:
    """Up to `SIZE` targets: a column a metric of targets."""

    __slots__ = ("_expire_after", "_rows", "_since", "_until", "columns")

    def __init__(self) -> None:
        self.columns = [Column() for _ in OF_TARGETS]
        self._rows: Sequence[Row] = ()
        self._expire_after = math.nan
        self._since = self._until = 0.0  # between these times the same numbers are fresh

    def show(self, rows: Sequence[Row], at: float, expire_after: float) -> int:
        """Show these targets as of `at`: how many had to be looked at again, all or none."""
        if expire_after == self._expire_after and self._since <= at < self._until and rows == self._rows:
            return 0
        some = []
        self._since, self._until = at, math.inf
        for row in rows:
            reading = row.fresh(at, expire_after)
            if reading is not None:
                self._until = min(self._until, reading.at + expire_after)
            account, rfc = label("account", row.target.account), label("rfc", row.target.rfc)
            some.append(Shown(row, reading, account, rfc, f"{account},{rfc}"))
        for family, column in zip(OF_TARGETS, self.columns, strict=True):
            column.show(family, some)
        self._rows, self._expire_after = rows, expire_after
        return len(rows)
