"""The tables, their version, and how an older database becomes a current one.

Times are seconds since the epoch, quantities whole stamps. No foreign keys: rows that belong
together are written and removed in one transaction.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    insert,
    inspect,
    select,
    text,
    update,
)

from monitor.store.errors import Corrupt, StoreUnavailable

metadata = MetaData()

meta = Table("meta", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

target = Table(
    "target",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("rfc", Text, nullable=False),
    # The endpoint that the numbers come from; "" if version 2 has stored it and nobody knows. Of one account
    # and RFC the row asked last counts, the others are kept for the day on which it is asked there again.
    Column("place", Text, nullable=False),
    Column("attempted_at", Double, nullable=False),
    # The last reading; all null before the first.
    Column("at", Double),
    Column("contracted", BigInteger),
    Column("used", BigInteger),
    Column("available", BigInteger),
    Column("code", Text),
    Column("consumed", BigInteger),
    # The last forecast; all null before the first.
    Column("foreseen_at", Double),
    Column("time_left", Double),
    Column("peak_day", BigInteger),
    UniqueConstraint("account", "rfc", "place"),
)

history = Table(
    "history",
    metadata,
    Column("target_id", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, primary_key=True, autoincrement=False),  # whole seconds
    Column("contracted", BigInteger),
    Column("used", BigInteger),
    Column("available", BigInteger, nullable=False),
    Column("consumed", BigInteger, nullable=False),
    sqlite_with_rowid=False,  # one tree in place of two: half the size
)

credential = Table(
    "credential",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("worked", Boolean, nullable=False),
    Column("hold", Text),
    Column("lost", Integer, nullable=False),
    Column("wait", Double, nullable=False),
    Column("intent", Text, nullable=False),  # the RFC of a call that may be under way, or ""
    # The last answer that did not prove it.
    Column("at", Double),
    Column("rfc", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("refusals", Text, nullable=False),  # JSON
)

request = Table(
    "request",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account", Text, nullable=False),
    Column("at", Double, nullable=False),
    sqlite_autoincrement=True,  # the number of a request that is done is not given again
)

Migration = Callable[[Connection], None]


def _keep_forecasts(connection: Connection) -> None:
    for column in ("foreseen_at DOUBLE PRECISION", "time_left DOUBLE PRECISION", "peak_day BIGINT"):
        connection.execute(text(f"ALTER TABLE target ADD COLUMN {column}"))


def _tell_endpoints_apart(connection: Connection) -> None:
    """Numbers belong to an endpoint, and a credential remembers more of its last answer."""
    for statement in (
        "ALTER TABLE target RENAME TO old_target",
        "ALTER TABLE credential RENAME TO old_credential",
        """CREATE TABLE target (
            id INTEGER NOT NULL PRIMARY KEY, account TEXT NOT NULL, rfc TEXT NOT NULL, place TEXT NOT NULL,
            attempted_at DOUBLE PRECISION NOT NULL,
            at DOUBLE PRECISION, contracted BIGINT, used BIGINT, available BIGINT, code TEXT, consumed BIGINT,
            foreseen_at DOUBLE PRECISION, time_left DOUBLE PRECISION, peak_day BIGINT,
            UNIQUE (account, rfc, place))""",
        """INSERT INTO target SELECT id, account, rfc, '', attempted_at, at, contracted, used, available,
            code, consumed, foreseen_at, time_left, peak_day FROM old_target""",
        """CREATE TABLE credential (
            fingerprint TEXT NOT NULL PRIMARY KEY, worked BOOLEAN NOT NULL, hold TEXT, lost INTEGER NOT NULL,
            wait DOUBLE PRECISION NOT NULL, intent TEXT NOT NULL,
            at DOUBLE PRECISION, rfc TEXT NOT NULL, text TEXT NOT NULL, refusals TEXT NOT NULL)""",
        """INSERT INTO credential SELECT fingerprint, worked, hold, lost, wait,
            CASE WHEN intent THEN '?' ELSE '' END, held_at, '', '', '[]' FROM old_credential""",
        "DROP TABLE old_target",
        "DROP TABLE old_credential",
    ):
        connection.execute(text(statement))


#: The first makes version 2 of version 1, and so on. What they do is never changed again.
MIGRATIONS: Sequence[Migration] = (_keep_forecasts, _tell_endpoints_apart)


def prepare(connection: Connection, path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> bool:
    """Make the database current within the caller's transaction. `True`: it was empty.

    Raises `Corrupt` if tables or columns are missing, `StoreUnavailable` if it is not for us.
    """
    current = 1 + len(migrations)
    found = version(connection, path)
    if found is None:
        metadata.create_all(connection)
        connection.execute(insert(meta).values(name="version", value=str(current)))
        return True
    if found > current:
        raise StoreUnavailable(f"{path}: of version {found}; this program is older and knows up to {current}")
    for migration in migrations[found - 1 :]:
        migration(connection)
    if found < current:
        connection.execute(update(meta).where(meta.c.name == "version").values(value=str(current)))
    _check_columns(connection)
    return False


def recognise(connection: Connection, path: Path) -> None:
    """Change nothing. Raises `Corrupt`, and `StoreUnavailable` unless the database is current."""
    found = version(connection, path)
    if found != 1 + len(MIGRATIONS):
        raise StoreUnavailable(
            f"{path}: empty"
            if found is None
            else f"{path}: of version {found}; start the service of this version"
        )


def version(connection: Connection, path: Path) -> int | None:
    """The version of the database, `None` if it is empty. Raises `Corrupt`, `StoreUnavailable`."""
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    if meta.name not in tables:
        # Somebody's database by mistake: moving it out of the way would hurt them.
        raise StoreUnavailable(f"{path}: a database of something else")
    value = connection.execute(select(meta.c.value).where(meta.c.name == "version")).scalar()
    if not isinstance(value, str) or not value.isdecimal() or int(value) < 1:
        raise Corrupt("no schema version")
    return int(value)


def _check_columns(connection: Connection) -> None:
    inspector = inspect(connection)
    tables = inspector.get_table_names()
    for table in metadata.sorted_tables:
        columns = inspector.get_columns(table.name) if table.name in tables else []
        if missing := {column.name for column in table.columns} - {column["name"] for column in columns}:
            raise Corrupt(f"table {table.name} lacks {', '.join(sorted(missing))}")
