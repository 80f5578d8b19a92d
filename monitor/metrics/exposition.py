"""A snapshot as text, written by hand: what prometheus-client would print."""

from array import array
from collections.abc import Iterator, Sequence

from monitor.config import Target
from monitor.metrics.block import SIZE, Block, Piece
from monitor.metrics.of_others import OTHERS
from monitor.metrics.of_targets import OF_TARGETS
from monitor.model import share
from monitor.state import Row, Snapshot


class Exposition:
    """The series of one snapshot after another. `looked_at`: targets whose text was not simply kept."""

    def __init__(self) -> None:
        self.looked_at = 0
        self._blocks: list[Block] = []
        self._targets: list[Target] = []
        self._order = array("L")  # places in the configuration

    def pieces(self, snapshot: Snapshot, *, as_openmetrics: bool) -> Iterator[Piece]:
        """The text in pieces, without OpenMetrics' final `# EOF`. Takes long with many targets."""
        rows = self._neighbours(snapshot.rows)
        several = [rows[start : start + SIZE] for start in range(0, len(rows), SIZE)]
        del self._blocks[len(several) :]
        self._blocks += [Block() for _ in range(len(several) - len(self._blocks))]
        for block, some in zip(self._blocks, several, strict=True):
            self.looked_at += block.show(some, snapshot.at, snapshot.expire_after)
        for place, of_targets in enumerate(OF_TARGETS):
            yield Piece(of_targets.head(as_openmetrics=as_openmetrics))
            yield from (block.columns[place].piece for block in self._blocks)
        for family in OTHERS:
            head = family.head(as_openmetrics=as_openmetrics)
            yield Piece(head + family.printed(family.samples(snapshot)))

    def _neighbours(self, rows: Sequence[Row]) -> list[Row]:
        """In the order in which they are polled: those that change together stand together."""
        targets = [row.target for row in rows]
        if targets != self._targets:
            self._targets = targets
            self._order = array("L", sorted(range(len(targets)), key=lambda place: share(targets[place].key)))
        return [rows[place] for place in self._order]
