"""From similar descriptors to hypotheses: distinctive matches vote for a similarity, agreeing votes grow into a map.

One SIFT match fixes a similarity (place, size and angle on both sides). Votes are gathered around the most distinctive
matches; clusters are disjoint, so that a picture with equal parts (a table, a repeated motif, a symmetric poster)
yields one hypothesis per part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from watermark.registration.features import Features, permutation, root
from watermark.registration.fit import Method
from watermark.registration.geometry import Matrix, disagreement, estimate, mirror, project
from watermark.registration.index import Index

_NEIGHBOURS = 4
_SAME_PLACE_PX = 5.0  # several levels describe one corner: the rival for the ratio test must be another place
_RATIO = 0.93
_SIMILARITY = 0.75
_STRONGEST = 1500
_SEEDS = 300
_CLUSTERS = 4
_CLUSTER_WEIGHT = 1.2  # votes below which a cluster is chance
_VOTE_PX, _VOTE_SLOPE = 8.0, 0.15  # a vote may miss by 8 px and 15 % of its distance from the seed
_VOTE_LOG_SIZE, _VOTE_COSINE = 0.4, 0.87
_CLUSTER_FIT_PX = 3.0
_GUIDED_RADII_PX = 6.0, 4.0
_GUIDED_FIT_PX = 2.0
_GUIDED_SIMILARITY = 0.82
_GUIDED_NEIGHBOURS = 8
_ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class Hypothesis:
    """One way in which the leak may lie on the original, not yet looked at.

    Attributes
    ----------
    homography : ndarray, shape (3, 3), float64
        Leak pixel -> canonical pixel.
    inverted : bool
        The leak is taken for a negative.
    method : str
    inliers : int
        Matches agreeing before guiding: this is evidence.
    support : int
        Matches agreeing after guiding: only an order, wrong fits have reached 76.
    grain : float
        z of a piece of the leak found there by its grain; else 0.
    """

    homography: Matrix
    inverted: bool
    method: Method
    inliers: int = 0
    support: int = 0
    grain: float = 0.0


class Matches(NamedTuple):
    """Matched key points, most distinctive first: rows of (x, y, diameter, angle) and the ratio of distances."""

    leak: NDArray[np.float64]
    original: NDArray[np.float64]
    ratio: NDArray[np.float64]


def hypotheses(
    index: Index, leak: Features, shape: tuple[int, int], mirrored: bool, inverted: bool
) -> list[Hypothesis]:
    """Hypotheses from key points, best supported first.

    Parameters
    ----------
    index : Index
    leak : Features
        In leak px.
    shape : (int, int)
        Rows and columns of the leak.
    mirrored, inverted : bool
        Take the leak for a mirror image, a negative.

    Returns
    -------
    list of Hypothesis
        At most four.
    """
    if len(leak) < _NEIGHBOURS or len(index.features) < _NEIGHBOURS:
        return []
    rooted = root(leak.descriptors[:, permutation(mirrored, inverted)])
    points = leak.points.astype(np.float64)
    unmirror = mirror(shape[1]) if mirrored else np.eye(3)
    if mirrored:  # work on the leak as its mirror would have it
        points[:, 0] = shape[1] - 1 - points[:, 0]
        points[:, 3] = 180 - points[:, 3]
    if inverted:
        points[:, 3] += 180
    found = []
    for members, seed, matches in _clusters(_match(index, points, rooted)):
        source, target = matches.leak[members, :2], matches.original[members, :2]
        homography, inliers = estimate(source, target, _CLUSTER_FIT_PX)
        if homography is None:
            homography, inliers = seed, len(members)
        found.append(Hypothesis(homography, inverted, "keypoints", inliers, inliers))
    guided = []
    for hypothesis in found:
        for radius in _GUIDED_RADII_PX:
            hypothesis = _guide(index, points, rooted, hypothesis, radius)
        guided.append(replace(hypothesis, homography=hypothesis.homography @ unmirror))
    return _merged(guided, shape, index.shape)


def _merged(found: list[Hypothesis], leak: tuple[int, int], raster: tuple[int, int]) -> list[Hypothesis]:
    """Best supported first; clusters that guiding led to one place become one hypothesis with the most inliers."""
    merged: list[Hypothesis] = []
    for hypothesis in sorted(found, key=lambda h: (-h.support, -h.inliers)):
        for place, other in enumerate(merged):
            if disagreement(other.homography, hypothesis.homography, leak, raster) < _CLUSTER_FIT_PX:
                merged[place] = replace(other, inliers=max(other.inliers, hypothesis.inliers))
                break
        else:
            merged.append(hypothesis)
    return merged


def _match(index: Index, points: NDArray[np.float64], rooted: NDArray[np.float32]) -> Matches:
    """Nearest neighbours that are clearly nearer than any at another place (Lowe's ratio test)."""
    nearest, similarity = _nearest(rooted, index.rooted)
    candidates = index.features.points[nearest]
    apart = np.hypot(*(candidates[..., :2] - candidates[:, :1, :2]).transpose(2, 0, 1))
    elsewhere = apart > np.maximum(_SAME_PLACE_PX, candidates[:, :1, 2] / 2)
    distance = np.sqrt(np.maximum(0, 2 - 2 * similarity))
    elsewhere[:, -1] = True  # the farthest stands for all that were not looked up
    rival = distance[np.arange(len(distance)), elsewhere.argmax(1)]
    ratio = distance[:, 0] / np.maximum(rival, 1e-6)
    kept = np.flatnonzero((ratio < _RATIO) & (similarity[:, 0] > _SIMILARITY))
    kept = kept[np.argsort(ratio[kept], kind="stable")][:_STRONGEST]
    return Matches(points[kept], candidates[kept, 0].astype(np.float64), ratio[kept].astype(np.float64))


def _nearest(query: NDArray[np.float32], stored: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Indices and similarities of the nearest four, shape (n, 4), nearest first; in slices that fit the cache."""
    indices = np.empty((len(query), _NEIGHBOURS), np.intp)
    values = np.empty((len(query), _NEIGHBOURS), np.float32)
    for start in range(0, len(query), _ROWS_AT_ONCE):
        product = query[start : start + _ROWS_AT_ONCE] @ stored.T
        rows = np.arange(len(product))
        for k in range(_NEIGHBOURS):
            best = product.argmax(1)
            indices[start : start + len(rows), k] = best
            values[start : start + len(rows), k] = product[rows, best]
            product[rows, best] = -1
    return indices, values


def _clusters(matches: Matches) -> list[tuple[NDArray[np.intp], Matrix, Matches]]:
    """Disjoint groups of matches that agree on a similarity: members, the seed's similarity, the matches."""
    q, r, ratio = matches
    if len(q) < 3:
        return []
    seeds = min(_SEEDS, len(q))
    log_size = np.log(r[:, 2] / q[:, 2])
    turn = np.deg2rad(r[:, 3] - q[:, 3])
    c = (np.exp(log_size) * np.cos(turn))[:seeds, None]
    s = (np.exp(log_size) * np.sin(turn))[:seeds, None]
    dx, dy = q[None, :, 0] - q[:seeds, None, 0], q[None, :, 1] - q[:seeds, None, 1]
    x, y = c * dx - s * dy, s * dx + c * dy  # where each seed puts each match, relative to itself
    miss = np.hypot(x - (r[None, :, 0] - r[:seeds, None, 0]), y - (r[None, :, 1] - r[:seeds, None, 1]))
    agrees = (
        (miss < _VOTE_PX + _VOTE_SLOPE * np.hypot(x, y))
        & (np.abs(log_size[None] - log_size[:seeds, None]) < _VOTE_LOG_SIZE)
        & (np.cos(turn[None] - turn[:seeds, None]) > _VOTE_COSINE)
    )
    weight = np.clip((0.95 - ratio) / 0.25, 0.1, 1)
    free = np.ones(len(q), bool)
    groups = []
    for _ in range(_CLUSTERS):
        votes = (agrees & free) @ weight
        best = int(votes.argmax())
        if votes[best] < _CLUSTER_WEIGHT:
            break
        members = np.flatnonzero(agrees[best] & free)
        free[members] = False
        if len(members) >= 3:
            a, b = float(c[best, 0]), float(s[best, 0])
            origin = r[best, :2] - [a * q[best, 0] - b * q[best, 1], b * q[best, 0] + a * q[best, 1]]
            seed = np.array([[a, -b, origin[0]], [b, a, origin[1]], [0, 0, 1]])
            groups.append((members, seed, matches))
    return groups


def _guide(
    index: Index, points: NDArray[np.float64], rooted: NDArray[np.float32], hypothesis: Hypothesis, radius: float
) -> Hypothesis:
    """Match again, only near where the hypothesis puts each key point; keep the old fit if support collapses."""
    homography = hypothesis.homography
    places = project(points[:, :2], homography)
    h, w = index.shape
    near = np.flatnonzero((places > -radius).all(1) & (places[:, 0] < w + radius) & (places[:, 1] < h + radius))
    if len(near) < 6:
        return hypothesis
    growth = np.sqrt(abs(np.linalg.det(homography[:2, :2] / homography[2, 2])))
    distance, neighbour = _near(index.tree, places[near], radius)
    misses = ~np.isfinite(distance)
    neighbour = np.where(misses, 0, neighbour)
    log_size = np.log(index.features.points[neighbour, 2] / (points[near, 2] * growth)[:, None])
    similarity = np.einsum("nd,nkd->nk", rooted[near], index.rooted[neighbour])
    similarity[misses | (np.abs(log_size) > _VOTE_LOG_SIZE)] = -1
    best = similarity.argmax(1)
    rows = np.arange(len(near))
    good = similarity[rows, best] > _GUIDED_SIMILARITY
    if good.sum() < 6:
        return hypothesis
    target = index.features.points[neighbour[rows, best][good], :2]
    refit, support = estimate(points[near[good], :2], target, _GUIDED_FIT_PX)
    if refit is None or support < hypothesis.support / 2:
        return hypothesis
    return replace(hypothesis, homography=refit, support=support)


def _near(tree: Any, places: NDArray[np.float64], radius: float) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    found: tuple[NDArray[np.float64], NDArray[np.intp]] = tree.query(
        places, k=_GUIDED_NEIGHBOURS, distance_upper_bound=radius
    )
    return found
