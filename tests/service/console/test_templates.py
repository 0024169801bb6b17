"""What the policy forbids is not in the templates, and no page of the console is a way around the mark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Brand
from console_seats import with_all_roles
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from service.console.install import PAGES

CONSOLE = Path(__file__).parents[3] / "service" / "console"
TEMPLATES = sorted((CONSOLE / "templates").glob("*.html"))
STATIC = sorted((CONSOLE / "static").iterdir())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_nothing_inline_and_nothing_from_elsewhere(path: Path) -> None:
    text = re.sub(r"\{%.*?%\}", "", path.read_text())
    assert not re.search(r"\sstyle\s*=", text)
    assert "<style" not in text
    assert not re.search(r"\son[a-z]+\s*=", text)
    assert "hx-on" not in text
    assert "hx-vals='js" not in text
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"(src|href|action)=\"(https?:)?//", text)
    assert "|safe" not in text.replace(" ", "")
    assert "javascript:" not in text


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_field_has_a_label(path: Path) -> None:
    text = path.read_text()
    for field in re.findall(r"<(?:input|select|textarea)\b[^>]*>", text):
        if re.search(r'type="(hidden|checkbox|range)"', field) or " hidden" in field:
            continue
        identity = re.search(r'\bid="([^"]+)"', field)
        assert identity, field
        assert f'for="{identity[1]}"' in text, field


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_page_has_a_title_and_one_heading(path: Path) -> None:
    text = path.read_text()
    if '{% extends "base.html" %}' in text:
        assert "{% block title %}" in text
        assert "<h1" in text


@pytest.mark.parametrize(
    "path", [path for path in STATIC if path.suffix in (".js", ".css")], ids=lambda path: path.name
)
def test_our_static_files_reach_nowhere_else(path: Path) -> None:
    text = path.read_text()
    if path.name != "htmx.min.js":
        assert "http://" not in text
        assert "https://" not in text
        assert "eval(" not in text
        assert "innerHTML =" not in text


def test_htmx_keeps_its_licence() -> None:
    assert "Zero-Clause BSD" in (CONSOLE / "static" / "htmx.LICENSE.txt").read_text()


def test_no_page_of_the_console_serves_pictures(brand: Brand) -> None:
    seat = with_all_roles(brand)
    paths = {route.path for page in PAGES for route in page.router.routes if isinstance(route, APIRoute)}
    assert len(paths) > 15
    for path in paths:
        answer = seat.get(re.sub(r"\{\w+\}", "unknown", path))
        assert not answer.headers.get("content-type", "").startswith("image/"), path
    for file in STATIC:
        assert file.suffix in (".css", ".js", ".svg", ".txt"), "no picture may hide among the static files"


def test_pictures_on_pages_come_from_routes_that_mark_or_shrink_or_draw_maps() -> None:
    sources = {
        source
        for path in TEMPLATES
        for source in re.findall(r'<img[^>]*?\ssrc="([^"]+)"', path.read_text())
        if not source.startswith("{{ static(")
    }
    assert sources == {
        "/v1/assets/{{ card.asset.id }}/preview?size=480",
        "/v1/assets/{{ card.asset.id }}/preview?size=960",
        "{{ preview }}",
        "{{ card.asset.carries }}",
        "{{ item.leak }}",
        "{{ sighting.leak }}",
        "{{ sighting.heat_map }}",
    }


def test_players_play_the_viewers_own_marked_copy() -> None:
    text = "".join(path.read_text() for path in TEMPLATES)
    played = set(re.findall(r'<(?:source|video|audio)[^>]*?\s(?:src|poster)="([^"]+)"', text))
    assert played == {
        "/v1/assets/{{ asset.id }}/film.mp4",
        "/v1/assets/{{ asset.id }}/stream/index.m3u8",
        "/v1/assets/{{ asset.id }}/preview?size=960",
    }


def test_static_files_are_cached_under_an_address_of_their_content(client: TestClient) -> None:
    page = client.get("/console/sign-in", headers={"Accept": "text/html"}).text
    for address in re.findall(r'(?:href|src)="(/console/static/[^"]+)"', page):
        answer = client.get(address)
        assert answer.status_code == 200
        assert "max-age" in answer.headers["cache-control"]
        assert re.search(r"\?v=[0-9a-f]{10}$", address)
