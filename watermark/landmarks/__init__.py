"""Landmarks of a picture: tier 2 of the look-up, for crops, screenshots, pages and photographs of screens.

Read in this order: `codes` (a picture's landmarks, 256 bits each), `neighbours` (the codes nearest to a query's),
`votes` (which asset they speak for, and under which homography), `index` (many assets, one search).

>>> import numpy as np
>>> from watermark import landmarks
>>> rng = np.random.default_rng(3)
>>> picture = np.kron(rng.integers(0, 256, (60, 80, 3)), np.ones((8, 8, 1))).astype(np.uint8)
>>> index = landmarks.LandmarkIndex()
>>> index.add("ours", landmarks.describe(picture))
>>> [found.asset_id for found in index.search(landmarks.query(picture[100:400, 200:600]))]
['ours']
"""

from .codes import Landmarks, Query, describe, query
from .index import LandmarkIndex
from .votes import MATCH_INLIERS, Candidate

__all__ = ["MATCH_INLIERS", "Candidate", "LandmarkIndex", "Landmarks", "Query", "describe", "query"]
