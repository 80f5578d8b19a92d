"""The interpreter of a running service: quick to change threads, and its garbage is collected."""

import gc
import subprocess
import sys
from pathlib import Path
from weakref import ref

from monitor.app import Monitor
from monitor.config import load
from monitor.interpreter import collect, loading
from tests.watching import account, write


class Circle:
    """Something that holds itself."""

    def __init__(self) -> None:
        self.itself = self


async def test_the_collector_rests_while_much_is_loaded_and_works_afterwards(
    tmp_path: Path,
) -> None:
    path = tmp_path / "config.yaml"
    write(path, account("http://127.0.0.1:9/", "EKU9003173C9"))
    loading()
    assert not gc.isenabled()
    async with Monitor(load(path)):
        assert gc.isenabled()


def test_what_holds_itself_is_freed_by_a_collection() -> None:
    circle = ref(Circle())
    collect()
    assert circle() is None


def test_threads_of_a_service_change_often_and_old_rows_are_left_alone() -> None:
    code = (
        "import gc, sys; from monitor.interpreter import tune; tune();"
        "print(sys.getswitchinterval() <= 0.001, gc.get_threshold()[2] > 100_000)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "True True\n"
