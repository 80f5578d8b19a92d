"""Rows put into a table, over those that have the same key."""

from collections.abc import Sequence
from itertools import chain

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.sqlite import insert

_SIZES = (50, 10, 1)  # rows in one statement; SQLite may take no more than 999 parameters


class Upsert:
    """Many rows in few statements: `Upsert(table, "name", …)`, what to take over if a row is there already.

    `executemany` gives the interpreter away for each row and waits to get it back: with 64 polls in flight
    that was 20 µs a row, four times what SQLite needs. Compiled once and handed to the driver with plain
    values, in the order of the table's columns, so types that are converted on their way in (booleans,
    dates) have no place here.
    """

    def __init__(self, table: Table, *taken: str) -> None:
        self._table = table
        self._taken = taken
        self._texts: dict[int, str] = {}

    def run(self, connection: Connection, rows: Sequence[tuple[object, ...]]) -> None:
        """Put these rows, of which no two have the same key."""
        begun = 0
        for size in _SIZES:
            while len(rows) - begun >= size:
                values = chain.from_iterable(rows[begun : begun + size])
                connection.exec_driver_sql(self._text(connection, size), tuple(values))
                begun += size

    def _text(self, connection: Connection, size: int) -> str:
        if size not in self._texts:
            names = self._table.columns.keys()
            row = dict.fromkeys(names, "")
            statement = insert(self._table).values([row] * size)
            taken = {name: statement.excluded[name] for name in self._taken}
            statement = statement.on_conflict_do_update(
                index_elements=list(self._table.primary_key), set_=taken
            )
            compiled = statement.compile(dialect=connection.dialect)
            order = getattr(compiled, "positiontup", None)
            if order != [f"{name}_m{number}" for number in range(size) for name in names]:
                raise RuntimeError(f"parameters are in the order {order}")
            self._texts[size] = str(compiled)
        return self._texts[size]
