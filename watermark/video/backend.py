"""The codec library, where it is installed: PyAV, which is FFmpeg within this process.

It comes with the extra ``video`` and not by default, because of its licences. PyAV is BSD and FFmpeg LGPL, but PyAV's
wheels carry FFmpeg built with x264 and x265: whoever passes such a wheel on, within a container image say, passes on
a work under the GPL 2, with the duties of that licence. Running it as a service obliges to nothing. H.264, HEVC and
AAC are moreover covered by patents, and encoding or streaming for money may need a licence of a pool. Everything
else of this library works without the extra.
"""

import importlib
from functools import cache
from typing import Any

from .errors import VideoUnavailable


@cache
def av() -> Any:
    """PyAV.

    Raises
    ------
    VideoUnavailable
        If it is not installed, or was built without x264.
    """
    try:
        module = importlib.import_module("av")
    except ImportError as error:
        raise VideoUnavailable from error
    if "libx264" not in module.codecs_available:
        raise VideoUnavailable("This installation's FFmpeg was built without x264.")
    return module
