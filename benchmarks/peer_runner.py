"""Run one peer's own embedder and reader; executed inside the peers' virtual environment, never imported from ours.

`python peer_runner.py PEER JOBS.json ANSWERS.json`, where a job is {"picture", "id", "to"} to embed or {"picture"} to
read. Every peer carries 32 bits at the settings it ships with. The answer to reading is an id, or null where the peer
says that there is none; an error counts as null, and so does one while embedding.

Functions import their peer themselves: one that cannot be imported must not stop the others.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

Bgr = Any
Embed = Callable[[Bgr, int], Bgr]
Read = Callable[[Bgr], "int | None"]


def bits_of(number: int) -> list[int]:
    """Bits of a 32-bit id, the highest first."""
    return [(number >> (31 - i)) & 1 for i in range(32)]


def number_of(bits: Any) -> int:
    """Return the id of 32 bits."""
    return int("".join(str(int(bool(bit > 0.5))) for bit in bits), 2)


def invisible_watermark(method: str) -> tuple[Embed, Read]:
    """Return the methods of ShieldMnt's invisible-watermark."""
    from imwatermark import WatermarkDecoder, WatermarkEncoder  # type: ignore[import-not-found]

    if method == "rivaGan":
        WatermarkEncoder.loadModel()

    def embed(picture: Bgr, number: int) -> Bgr:
        encoder = WatermarkEncoder()
        encoder.set_watermark("bits", bits_of(number))
        return encoder.encode(picture, method)

    return embed, lambda picture: number_of(WatermarkDecoder("bits", 32).decode(picture, method))


def blind_watermark() -> tuple[Embed, Read]:
    """Return guofei9987's blind-watermark."""
    from blind_watermark import WaterMark, bw_notes  # type: ignore[import-not-found]

    bw_notes.close()

    def embed(picture: Bgr, number: int) -> Bgr:
        import numpy as np

        mark = WaterMark(password_img=1, password_wm=1, processes=1)
        mark.read_img(img=picture)
        mark.read_wm(bits_of(number), mode="bit")
        return np.clip(np.rint(mark.embed()), 0, 255).astype(np.uint8)

    def read(picture: Bgr) -> int:
        mark = WaterMark(password_img=1, password_wm=1, processes=1)
        return number_of(mark.extract(embed_img=picture, wm_shape=32, mode="bit"))

    return embed, read


def traceless() -> tuple[Embed, Read]:
    """Return traceless-watermark, on its path without a graphics card."""
    from traceless_watermark import (  # type: ignore[import-not-found]
        TracelessWatermark,
        WatermarkExecutionMode,
        WatermarkSuccess,
    )

    mark = TracelessWatermark(execution_mode=WatermarkExecutionMode.CPU)

    def embed(picture: Bgr, number: int) -> Bgr:
        result = asyncio.run(mark.encode_bytes(picture, number.to_bytes(4, "big")))
        if not isinstance(result, WatermarkSuccess):
            raise ValueError(result.error)
        return result.value

    def read(picture: Bgr) -> int | None:
        result = asyncio.run(mark.decode_bytes(picture, 4))
        return int.from_bytes(result.value.payload, "big") if isinstance(result, WatermarkSuccess) else None

    return embed, read


def clawid() -> tuple[Embed, Read]:
    """Return clawid's quantiser, without the checksummed container that leaves no room in a small picture."""
    import numpy as np
    from clawid.algorithms.dwt_qim import embed_bits, extract_bits  # type: ignore[import-not-found]
    from PIL import Image

    def embed(picture: Bgr, number: int) -> Bgr:
        return np.asarray(embed_bits(Image.fromarray(picture[..., ::-1].copy()), bits_of(number)))[..., ::-1].copy()

    return embed, lambda picture: number_of(np.array(extract_bits(Image.fromarray(picture[..., ::-1].copy()), 32)))


PEERS: dict[str, Callable[[], tuple[Embed, Read]]] = {
    "dwtDct": lambda: invisible_watermark("dwtDct"),
    "dwtDctSvd": lambda: invisible_watermark("dwtDctSvd"),
    "rivaGan": lambda: invisible_watermark("rivaGan"),
    "blind-watermark": blind_watermark,
    "traceless": traceless,
    "clawid": clawid,
}


def main(peer: str, jobs: str, answers: str) -> None:
    """Do the jobs of one file and write the answers to another."""
    import cv2

    cv2.setNumThreads(1)
    embed, read = PEERS[peer]()
    found: list[Any] = []
    for job in json.loads(Path(jobs).read_text()):
        picture = cv2.imread(job["picture"])
        try:
            if "to" in job:
                found.append(bool(cv2.imwrite(job["to"], embed(picture, job["id"]))))
            else:
                found.append(read(picture))
        except Exception as error:  # whatever a peer raises is its answer: it found nothing
            print(f"{peer}: {job['picture']}: {error!r}", file=sys.stderr)
            found.append(None)
    Path(answers).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
