"""The picture, or a piece of it, among pictures of other people."""

from __future__ import annotations

from benchmarks.attacks.attack import Attack, Attacked, Rgb, Scene, Transform, chain
from benchmarks.attacks.codecs import jpeg
from benchmarks.attacks.drawing import blank, paste, paste_cover
from benchmarks.attacks.geometry import cut, fit_inside


def grid(columns: int, rows: int, gap: int = 8) -> Transform:
    """Put the picture into a random cell of a grid of companions; cells of 4:3, at most 800 px wide, cut to cover."""

    def run(rgb: Rgb, scene: Scene) -> Attacked:
        width = max(120, min(800, max(rgb.shape[:2])))
        height = width * 3 // 4
        canvas = blank(columns * width + (columns + 1) * gap, rows * height + (rows + 1) * gap, (255, 255, 255))
        own = int(scene.rng.integers(columns * rows))
        homography = None
        for cell in range(columns * rows):
            box = (gap + cell % columns * (width + gap), gap + cell // columns * (height + gap), width, height)
            placed = paste_cover(canvas, rgb if cell == own else scene.companion(), box)
            homography = placed if cell == own else homography
        return Attacked(canvas, homography)

    return chain(run, jpeg(85))


def fragment(side: int) -> Transform:
    """Cut a window of `side` px and put it into a 1,024-px collage of companions.

    The picture is first reduced to 1,024 px on the long side, the size at which a screen shows it: a window of so many
    camera pixels would be a speck of any large photograph.
    """

    def window(rgb: Rgb, scene: Scene) -> Attacked:
        h, w = rgb.shape[:2]
        width, height = min(side, w), min(side, h)
        return cut(rgb, int(scene.rng.integers(w - width + 1)), int(scene.rng.integers(h - height + 1)), width, height)

    def place(piece: Rgb, scene: Scene) -> Attacked:
        canvas = blank(1024, 1024, (255, 255, 255))
        for cell in range(9):
            paste_cover(canvas, scene.companion(), (cell % 3 * 342, cell // 3 * 342, 340, 340))
        h, w = piece.shape[:2]
        x, y = int(scene.rng.integers(1024 - w)), int(scene.rng.integers(1024 - h))
        return Attacked(canvas, paste(canvas, piece, (x, y, w, h)))

    return chain(fit_inside(1024), window, place, jpeg(88))


ATTACKS = (
    Attack("collage_2x2", "collage", grid(2, 2), core=True),
    Attack("collage_3x1", "collage", grid(3, 1)),
    Attack("collage_3x3", "collage", grid(3, 3)),
    Attack("patch_256_collage", "collage", fragment(256), core=True),
    Attack("patch_192_collage", "collage", fragment(192)),
)
