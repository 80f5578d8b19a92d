"""The random key beside the database, with which credentials are hashed.

Without it the hashes say nothing: a password cannot be guessed from the database alone.
"""

import hmac
import os
from pathlib import Path

from monitor.store import files
from monitor.store.errors import StoreUnavailable, unavailable

LENGTH = 32


def read(path: Path) -> bytes | None:
    """The key, `None` if there is none. Raises `StoreUnavailable`, also for a wrong length."""
    with unavailable(path):
        try:
            with path.open("rb") as file:
                key = file.read(LENGTH + 1)
        except FileNotFoundError:
            return None
    if len(key) != LENGTH:
        raise StoreUnavailable(
            f"{path}: not a key of {LENGTH} bytes; restore it, or remove it to begin with a new one"
            " (held accounts would then be tried again)"
        )
    return key


def write(path: Path, key: bytes) -> None:
    """Put a key where none is. A crash leaves all of it or nothing. Raises `StoreUnavailable`.

    The caller holds the lock: nobody else writes here.
    """
    draft = files.beside(path, ".new")
    with unavailable(path):
        draft.unlink(missing_ok=True)  # of a process that died right here
        with os.fdopen(files.create(draft), "wb") as file:  # which writes on until it has written all
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        files.sync_directory(path)


def fingerprint(key: bytes, credential: tuple[str, str, str]) -> str:
    """HMAC-SHA256, in hexadecimal. Each part is preceded by its length: ("ab", "c") is not ("a", "bc")."""
    parts = [part.encode("utf-8", "surrogatepass") for part in credential]
    message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hmac.digest(key, message, "sha256").hex()
