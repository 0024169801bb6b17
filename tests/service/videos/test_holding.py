"""What is kept of a video's parts, and what is fetched again."""

from __future__ import annotations

from service.videos.holding import Held


def test_small_parts_are_fetched_once_and_large_ones_while_they_are_the_latest() -> None:
    asked: list[str] = []

    def fetch(name: str) -> bytes:
        asked.append(name)
        return name.encode()

    held = Held(2)
    for name in ("master", "segments/00000", "segments/00001", "segments/00000", "segments/00002", "master"):
        assert held.get(name, fetch) == name.encode()
    assert asked == ["master", "segments/00000", "segments/00001", "segments/00002"]
    held.get("segments/00000", fetch)
    assert asked[-1] == "segments/00000"
