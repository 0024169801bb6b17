"""Every page for every role: what is there, what is not, what it says when there is nothing, and how forms answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import Brand, jpeg
from console_seats import Seat, with_all_roles, with_roles
from fastapi.testclient import TestClient

from service.identity.roles import Role

SENDER = {"/console/assets", "/console/recipients"}
ALL = {"/console/sightings", "/console/lookup"}
PAGES = SENDER | ALL | {"/console/provenance"}
OPEN_TO = {
    Role.UPLOADER: SENDER | ALL,
    Role.FLAGGER: ALL,
    Role.INVESTIGATOR: PAGES,
}


@pytest.fixture
def seat(brand: Brand) -> Seat:
    return with_all_roles(brand)


@pytest.mark.parametrize("role", list(Role))
def test_each_role_sees_its_pages_and_no_others(brand: Brand, role: Role) -> None:
    seat = with_roles(brand, role)
    for path in PAGES:
        answer = seat.get(path)
        if path in OPEN_TO[role]:
            assert answer.status_code == 200, (path, answer.text)
            assert f'href="{path}" aria-current="page"' in answer.text
            for other in PAGES - OPEN_TO[role]:
                assert f'<a href="{other}"' not in answer.text
        else:
            assert answer.status_code == 403
            assert "This is not for your seat" in answer.text


def test_a_seat_begins_where_its_work_is(brand: Brand) -> None:
    assert with_roles(brand, Role.FLAGGER).get("/console").headers["location"] == "/console/sightings"
    assert with_all_roles(brand).get("/console").headers["location"] == "/console/assets"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/console/assets", "No assets yet"),
        ("/console/recipients", "Nobody here yet"),
        ("/console/sightings", "No sightings yet"),
        ("/console/provenance", "Nothing to follow yet"),
    ],
)
def test_an_empty_page_says_what_to_do_first(seat: Seat, path: str, words: str) -> None:
    assert words in seat.get(path).text


def test_actions_appear_for_roles_that_may_do_them(brand: Brand, asset: dict[str, Any]) -> None:
    brand.import_recipients(2)
    brand.issue(asset["id"])
    path = f"/console/assets/{asset['id']}"
    uploader, investigator = (with_roles(brand, role).get(path).text for role in (Role.UPLOADER, Role.INVESTIGATOR))
    assert "Delete this asset" in uploader
    assert "/file" in uploader
    assert "Provenance" not in uploader
    assert "Delete this asset" not in investigator
    assert "/file" not in investigator
    assert "/console/provenance?copy=" in investigator


def test_uploading_by_form_leads_to_the_asset(seat: Seat, astronaut: np.ndarray) -> None:
    files = {"file": ("autumn_look-3.jpg", jpeg(astronaut[:200, :200]))}
    answer = seat.post("/console/assets", files=files, data={"title": "", "embargo": "2031-02-03"})
    assert answer.status_code == 303
    page = seat.get(answer.headers["location"]).text
    assert "<h1>autumn look 3</h1>" in page
    assert "3 Feb 2031" in page
    assert "preparing it now" in page


def test_a_refused_upload_shows_detail_and_hint(seat: Seat) -> None:
    answer = seat.post("/console/assets", files={"file": ("a.jpg", b"not a picture")}, data={"title": "x"})
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/html")
    assert '<div class="problem" role="alert">' in answer.text
    fragment = seat.post("/console/assets", htmx=True, files={"file": ("a.jpg", b"x")}, data={"title": "x"})
    assert fragment.text.startswith('<div class="problem" role="alert">')


def test_a_script_that_asks_for_json_gets_the_problem(seat: Seat) -> None:
    answer = seat.get("/console/assets/unknown", Accept="application/json")
    assert answer.headers["content-type"] == "application/problem+json"


def test_issuing_to_those_ticked_and_then_to_all(seat: Seat, brand: Brand, asset: dict[str, Any]) -> None:
    brand.import_recipients(3)
    path = f"/console/assets/{asset['id']}"
    page = seat.get(path).text
    assert "Issue 3 copies" in page
    first = page.split('name="recipient" value="')[1].split('"')[0]
    assert seat.post(f"{path}/copies", data={}).status_code == 422
    answer = seat.post(f"{path}/copies", data={"recipient": first})
    assert "1 new copies issued" in seat.get(answer.headers["location"]).text
    answer = seat.post(f"{path}/copies", htmx=True, data={"who": "all"})
    assert answer.headers["hx-redirect"].startswith(path)
    page = seat.get(path).text
    assert "copy 0003" in page
    assert "Every recipient has a copy" in page


def test_a_list_is_checked_then_taken(seat: Seat, brand: Brand, asset: dict[str, Any]) -> None:
    brand.import_recipients(1)
    path = f"/console/assets/{asset['id']}/copies"
    text = "alias,contact\nPress 00001,\n“New” <b>,a@example.org\n"
    checked = seat.post(f"{path}/check", htmx=True, files={"file": ("r.csv", text.encode())})
    assert checked.status_code == 200
    assert "1 new, 1 known already" in checked.text
    assert "<b>" not in checked.text
    assert ">1 recipient<" in seat.get("/console/recipients").text
    done = seat.post(f"{path}/import", data={"text": text})
    assert done.status_code == 303
    page = seat.get(f"/console/assets/{asset['id']}").text
    assert "copy 0002" in page
    assert "“New” &lt;b&gt;" in page


def test_a_bad_list_names_every_line(seat: Seat) -> None:
    answer = seat.post("/console/recipients/check", htmx=True, data={"text": "alias\nA\nA\n\nB,x,y\n"})
    assert answer.status_code == 422
    assert '<td class="figure">3</td>' in answer.text
    assert "same as on line 2" in answer.text
    assert seat.post("/console/recipients/check", data={"text": " "}).status_code == 422


def test_recipients_are_added_found_and_refused_twice(seat: Seat) -> None:
    assert seat.post("/console/recipients", data={"alias": "Press <1>", "contact": "a@b.example"}).status_code == 303
    again = seat.post("/console/recipients", htmx=True, data={"alias": "press <1>"})
    assert again.status_code == 409
    page = seat.get("/console/recipients?search=press").text
    assert "Press &lt;1&gt;" in page
    assert "a@b.example" not in page
    assert "No alias holds" in seat.get("/console/recipients?search=zzz").text


def test_ten_thousand_recipients_pass_through_the_form(seat: Seat) -> None:
    text = "alias,contact\n" + "".join(f"Press {n:05d},{'x' * 120}@example.org\n" for n in range(10_000))
    checked = seat.post("/console/recipients/check", htmx=True, files={"file": ("r.csv", text)})
    assert "10,000 new" in checked.text
    assert seat.post("/console/recipients/import", data={"text": text}).status_code == 303
    assert "10,000 recipients" in seat.get("/console/recipients").text


def test_an_asset_is_deleted_only_after_its_title_was_typed(seat: Seat, asset: dict[str, Any]) -> None:
    path = f"/console/assets/{asset['id']}/delete"
    assert seat.post(path, htmx=True, data={"confirm": "look"}).status_code == 422
    answer = seat.post(path, data={"confirm": "Look 3"})
    assert answer.status_code == 303
    assert "The asset was deleted" in seat.get(answer.headers["location"]).text
    assert seat.get(f"/console/assets/{asset['id']}").status_code == 404


def test_looking_up_by_picture_and_by_hash(
    seat: Seat, brand: Brand, asset: dict[str, Any], astronaut: np.ndarray
) -> None:
    ours = seat.post("/console/lookup/picture", files={"picture": ("a.jpg", jpeg(astronaut[:256, 128:384], 70))})
    assert "This is ours" in ours.text
    assert "Look 3" in ours.text
    flagger = with_roles(brand, Role.FLAGGER)
    kept = flagger.post("/console/lookup/picture", files={"picture": ("a.jpg", jpeg(astronaut[:256, 128:384], 70))})
    assert "This is ours" in kept.text
    assert "Look 3" not in kept.text
    assert "Not ours" in seat.post("/console/lookup/hash", htmx=True, data={"pdq": "0f" * 32}).text
    assert "cannot be read" in seat.post("/console/lookup/hash", data={"pdq": "no hash"}).text
    assert seat.post("/console/lookup/hash", data={"pdq": ""}).status_code == 422


def test_notes_say_only_what_the_console_itself_writes(seat: Seat) -> None:
    assert "20 recipients added" in seat.get("/console/recipients?note=imported&n=20").text
    for query in ("note=<b>", "note=imported&n=<script>", "note=issued&n=__class__"):
        page = seat.get(f"/console/recipients?{query}").text
        assert 'class="note"' not in page
        assert "<script>" not in page


def test_somebody_elses_pages_are_not_found(brand: Brand, other_brand: Brand, asset: dict[str, Any]) -> None:
    stranger = with_all_roles(other_brand)
    for path in (f"/console/assets/{asset['id']}", f"/console/provenance?asset={asset['id']}"):
        assert stranger.get(path).status_code == 404


def test_requests_from_other_sites_change_nothing(seat: Seat, client: TestClient) -> None:
    headers = {"Cookie": f"telltale={seat.cookie}", "Sec-Fetch-Site": "cross-site"}
    answer = client.post("/console/recipients", data={"alias": "X"}, headers=headers)
    assert answer.status_code == 403
    assert "Nobody here yet" in seat.get("/console/recipients").text


def test_a_held_asset_says_why_and_is_released_by_its_title(seat: Seat, brand: Brand) -> None:
    asset = brand.upload(jpeg(np.full((96, 128, 3), 128, np.uint8)), title="Grey card")
    path = f"/console/assets/{asset['id']}"
    page = seat.get(path).text
    assert '<span class="state state-held">Held</span>' in page
    assert asset["problem"] in page
    assert asset["hint"] in page
    assert "too weak to name a copy" in page
    assert 'id="issue-title"' not in page
    assert "Held: would not be traceable" in seat.get("/console/assets").text
    assert "Release knowingly" not in with_roles(brand, Role.INVESTIGATOR).get(path).text
    assert seat.post(f"{path}/release", htmx=True, data={"confirm": "Grey"}).status_code == 422
    answer = seat.post(f"{path}/release", data={"confirm": "Grey card"})
    page = seat.get(answer.headers["location"]).text
    assert "who released it is recorded" in page
    assert "was released knowingly" in page
    assert "Release knowingly" not in page


def test_a_certificate_is_read_as_a_table_and_a_map(seat: Seat, asset: dict[str, Any]) -> None:
    page = seat.get(f"/console/assets/{asset['id']}").text
    assert '<th scope="row">JPEG quality 30</th>' in page
    assert "very strong" in page
    assert f'<img class="heat-map" src="{asset["carries"]}"' in page


def test_copies_are_being_checked_until_they_are_released(
    seat: Seat, brand: Brand, client: TestClient, asset: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = client.app.state.context  # type: ignore[attr-defined]
    path = f"/console/assets/{asset['id']}"
    brand.import_recipients(1)
    with monkeypatch.context() as patch:
        patch.setattr(context.jobs, "submit", lambda *_: None)
        issued = brand.issue(asset["id"], wait=False)
    page = seat.get(path).text
    assert "being checked" in page
    assert f'hx-get="{path}/checking"' in page
    assert "/file" not in page
    assert "hx-refresh" not in seat.get(f"{path}/checking").headers
    with context.database.writing() as session:
        from service.copies.models import CopyBatch
        from service.db import everywhere

        row = session.scalars(everywhere(CopyBatch)).one()
        row.state, row.reason = "held", "copy 0001 named no copy."
    page = seat.get(path).text
    assert "Copy 0001 cannot be downloaded." in page
    assert "copy 0001 named no copy." in page
    assert seat.get(f"{path}/checking").headers["hx-refresh"] == "true"
    assert seat.post(f"{path}/copies/check-again").status_code == 303
    assert brand.settled(f"/v1/copy-batches/{issued['batch_id']}")["state"] == "released"
    page = seat.get(path).text
    assert "being checked" not in page
    assert "/file" in page
