"""Per-recipient marks for video: ingest → prepare → issue → read → accuse.

Read in this order, one clip goes through: `opening` (what may be opened, limits; `claims` and `matroska` read the index
before), `probing` (what the file says it is), `frames` (decoding, upright and in 8 bits), `planning`, `design` (groups
of pictures × slices are the cells), `codes` (their biases), `pattern` and `masking` (what goes where, how strongly),
`twins` and `encoding` (every group is encoded once, its key frame twice more, as +P and as -P), `segment` and `store`
(both twins side by side), `tracks` (sound and subtitles, as they came), `preparing` (all of that by segments,
resumable), `master` (the result), `movie` and `boxes` (the index of an MP4 file), `issuing` (a copy takes one of every
two slices), `streaming` (the same by segments, for players).

A reader needs of a `Master`: `codebook` (symbols: cell j is slice j mod n of group j div n, groups counted from the
start), `design.boxes` (each slice's rectangle in the key frame), `parts` and `sizes(k).times` (which frame belongs to
which group), `segment(k).thumbnails` (small pictures, four a second, to find a leak in time), and `reference(k, g)`
(both variants of every frame of a group as delivered: the frame is (A + B) / 2, the mark of variant + is (A - B) / 2
above it).

A leak goes through: `leaks` (few frames of it, within bounds), `signatures` and `finder` (which moments of the video it
may show), `locating`, `placing`, `alignment` and `timing` (where and when exactly), `references` (the frames it is
compared with), `motion` (which slice each point of them comes from), `symbols` (what each slice says), `reading` (all
of that, in stages), `accusing` (who is named, and what every stage costs), `strip` (where and when it was read, for a
chart). `fingerprints` is what the look-up keeps of a video.

Needs the extra ``video``; importing this package does not.
"""

from .accusing import trace
from .errors import VideoUnavailable
from .finder import Finder
from .issuing import Copy, issue
from .master import Master
from .movie import Movie
from .opening import Limits
from .planning import Plan, plan
from .preparing import join, prepare, prepare_segment
from .probing import Source, probe
from .reading import Reading, read_picture, read_stages
from .references import References
from .store import Folder, Store
from .streaming import Stream, playlist

__all__ = [
    "Copy",
    "Finder",
    "Folder",
    "Limits",
    "Master",
    "Movie",
    "Plan",
    "Reading",
    "References",
    "Source",
    "Store",
    "Stream",
    "VideoUnavailable",
    "issue",
    "join",
    "plan",
    "playlist",
    "prepare",
    "prepare_segment",
    "probe",
    "read_picture",
    "read_stages",
    "trace",
]
