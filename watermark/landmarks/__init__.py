"""Landmarks of a picture: tier 2 of the look-up, for crops, screenshots, pages and photographs of screens.

Read in this order: `codes` (a picture's landmarks, 256 bits each), `segments` (many assets' codes in buckets),
`search` (one query: `hamming` distances, `votes`, then a closer look by `matching`), `ranking` (what counts as a
match, and which comes first), `index` (assets come and go while searches run).

>>> import numpy as np
>>> from watermark import landmarks
>>> rng = np.random.default_rng(3)
>>> picture = np.kron(rng.integers(0, 256, (60, 80, 3)), np.ones((8, 8, 1))).astype(np.uint8)
>>> index = landmarks.LandmarkIndex()
>>> index.add("ours", landmarks.describe(picture))
>>> [found.asset_id for found in index.search(landmarks.query(picture[100:400, 200:600]))]
['ours']
"""

from .codes import DamagedLandmarks, Landmarks, Query, describe, detail, query
from .index import LandmarkIndex
from .ranking import Candidate

__all__ = ["Candidate", "DamagedLandmarks", "LandmarkIndex", "Landmarks", "Query", "describe", "detail", "query"]
