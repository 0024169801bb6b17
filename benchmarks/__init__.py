"""Measurements of the library: every claim of speed or robustness is a line that one of these modules printed.

One core a process: linear algebra libraries are told so before they load, as the service tells its workers, so that
CPU seconds add up and runs side by side do not fight.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
