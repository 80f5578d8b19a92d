"""What tests of whole services share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.premises import Premises


@pytest.fixture
def premises(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Premises]:
    """A place to run services in. When the test is over no secret has been told: not in a log line,
    on a page, in the process list or in any byte beside the database.
    """
    place = Premises(tmp_path)
    yield place
    printed = capsys.readouterr()
    place.search("what was printed here", (printed.out + printed.err).encode())
    print(printed.out, end="")  # noqa: T201
    place.check()
