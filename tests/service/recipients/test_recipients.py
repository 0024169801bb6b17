"""Recipient lists: taken whole or refused whole, every bad row named."""

from __future__ import annotations

import pytest
from conftest import Brand
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from service.recipients.csv_file import BadRecipientFile, Row, alias_key, parse

GOOD = [Row(2, "Press 1", "a@example.org"), Row(3, "Büro Köln", None)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_whatever_a_spreadsheet_saves_is_read(delimiter: str, encoding: str, newline: str) -> None:
    lines = ["Alias,Contact", "Press 1,a@example.org", "Büro Köln,", ""]
    assert parse(newline.join(lines).replace(",", delimiter).encode(encoding)) == GOOD


def test_columns_may_be_swapped_and_cells_quoted() -> None:
    assert parse(b'contact,alias\n"a@example.org","Press, 1"\n') == [Row(2, "Press, 1", "a@example.org")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        (b"alias\n", "no recipients"),
        (b"name\nPress 1\n", "header"),
        (b"alias,alias\na,b\n", "header"),
        (b"alias,phone\na,b\n", "header"),
        (b"alias\n\xff\xfe\n", "UTF-8"),
        (b"alias\na\0b\n", "not text"),
        (b"alias\n" + b"x" * 201 + b"\n", "line 2: the alias is longer"),
        (b"alias,contact\na," + b"x" * 501 + b"\n", "line 2: the contact is longer"),
        (b"alias,contact\n,a@b\n", "line 2: the alias is empty"),
        (b"alias\nPress 1\nPress 2\n PRESS  1\n", "line 4: the alias is the same as on line 2"),
        (b"alias\na,b\n", "line 2: there are 2 cells"),
        (b'alias\n"Press\x07"\n', "line 2: a cell holds control characters"),
        (b'alias\n"open\n', "cannot be read"),
    ],
)
def test_a_bad_file_is_refused_and_the_bad_line_named(data: bytes, words: str) -> None:
    with pytest.raises(BadRecipientFile, match=words) as caught:
        parse(data)
    assert caught.value.hint


def test_every_bad_line_is_listed() -> None:
    with pytest.raises(BadRecipientFile) as caught:
        parse(b"alias\nok\n" + b'""x\n' * 0 + b"ok\nok\nfine\n" + b"a,b,c\n")
    assert [error["line"] for error in caught.value.extra["errors"]] == [3, 4, 6]


def test_ten_thousand_rows_are_read_and_one_more_is_not() -> None:
    rows = [f"Press {number}" for number in range(10_001)]
    assert len(parse("\n".join(["alias", *rows[:-1]]).encode())) == 10_000
    with pytest.raises(BadRecipientFile, match="more than 10,000"):
        parse("\n".join(["alias", *rows]).encode())


@given(st.binary(max_size=300))
def test_any_bytes_are_a_list_or_a_refusal(data: bytes) -> None:
    try:
        rows = parse(b"alias,contact\n" + data)
    except BadRecipientFile:
        return
    assert len({alias_key(row.alias) for row in rows}) == len(rows)


def test_import_is_all_or_nothing(client: TestClient, brand: Brand) -> None:
    def send(text: str, dry_run: bool = False) -> tuple[int, dict[str, object]]:
        answer = client.post(
            "/v1/recipients/import",
            params={"dry_run": dry_run},
            files={"file": ("r.csv", text)},
            headers=brand.uploader,
        )
        return answer.status_code, answer.json()

    def total() -> int:
        return client.get("/v1/recipients", headers=brand.uploader).json()["total"]

    assert send("alias\na\nb\n", dry_run=True) == (201, {"added": 2, "dry_run": True})
    assert total() == 0
    assert send("alias\na\nb\n")[0] == 201
    status, body = send("alias\nc\nB\n\nd,e\n")
    assert status == 422
    assert [error["line"] for error in body["errors"]] == [5]
    status, body = send("alias\nc\nB\n")
    assert [error["line"] for error in body["errors"]] == [3]
    assert "already" in body["detail"]
    assert total() == 2


def test_ten_thousand_recipients_are_imported_and_issued_to(
    client: TestClient, brand: Brand, asset: dict[str, str]
) -> None:
    brand.import_recipients(10_000)
    assert brand.issue(asset["id"])["issued"] == 10_000
    page = client.get(f"/v1/assets/{asset['id']}/copies?limit=2&offset=9998", headers=brand.uploader).json()
    assert [item["serial"] for item in page["items"]] == [9999, 10_000]


def test_a_contact_goes_in_and_never_comes_out(client: TestClient, brand: Brand) -> None:
    made = client.post(
        "/v1/recipients", json={"alias": "Press 1", "contact": "desk@example.org"}, headers=brand.uploader
    )
    assert made.json()["has_contact"] is True
    assert "desk@" not in made.text + client.get("/v1/recipients", headers=brand.uploader).text
    again = client.post("/v1/recipients", json={"alias": " press  1"}, headers=brand.uploader)
    assert again.status_code == 409


def test_recipients_are_searched_and_paged(client: TestClient, brand: Brand) -> None:
    brand.import_recipients(30)
    page = client.get("/v1/recipients?search=0001&limit=4&offset=2", headers=brand.uploader).json()
    assert (page["total"], [item["alias"][-5:] for item in page["items"]]) == (11, ["00011", "00012", "00013", "00014"])
