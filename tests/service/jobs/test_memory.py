"""What a worker frees, it finds again without the system zeroing it anew."""

import subprocess
import sys

import pytest

FAULTS = """
import resource
from service.jobs.memory import keep_freed_memory
{setting}
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    bytearray(40 * 2**20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(setting: str) -> int:
    """Page faults of a process that asks twenty times for a block and frees it."""
    program = [sys.executable, "-c", FAULTS.format(setting=setting)]
    return int(subprocess.run(program, capture_output=True, text=True, check=True, timeout=60).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc alone is told")
def test_a_block_that_was_freed_is_not_zeroed_by_the_system_again() -> None:
    assert faults("keep_freed_memory()") < faults("") / 5
