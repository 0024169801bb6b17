"""No copy goes out before a sample of its batch was read back and named itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conftest import Brand
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from service.context import Context
from service.copies import pixels, work
from service.copies.models import TRANSITIONS, BatchState, CopyBatch
from service.copies.service import CHECK
from service.db import everywhere, new_id


def reading_back(context: Context, monkeypatch: pytest.MonkeyPatch, answer: Callable[[int], list[int]]) -> list[int]:
    """Have the workers say that a serial names these; returns the serials they were asked for."""
    run, asked = context.pool.run, list[int]()

    def fake(function: Any, *args: Any) -> Any:
        if function is not pixels.names:
            return run(function, *args)
        asked.append(args[2])
        return answer(args[2])

    monkeypatch.setattr(context.pool, "run", fake)
    return asked


def batch(client: TestClient, brand: Brand, issued: dict[str, Any]) -> dict[str, Any]:
    return client.get(f"/v1/copy-batches/{issued['batch_id']}", headers=brand.uploader).json()


def settled(brand: Brand, issued: dict[str, Any]) -> dict[str, Any]:
    return brand.settled(f"/v1/copy-batches/{issued['batch_id']}")


def test_a_batch_is_read_back_and_released(client: TestClient, brand: Brand, asset: dict[str, Any]) -> None:
    brand.import_recipients(5)
    issued = brand.issue(asset["id"])
    assert issued["batch_state"] == "checking"
    shown = batch(client, brand, issued)
    assert (shown["state"], shown["first_serial"], shown["last_serial"]) == ("released", 1, 5)
    assert (shown["checked"][0], shown["checked"][-1], len(shown["checked"])) == (1, 5, 3)
    assert {(copy["state"], copy["batch_id"]) for copy in brand.copies(asset["id"])} == {("released", shown["id"])}
    trail = client.get(f"/v1/provenance?asset={asset['id']}", headers=brand.investigator).json()["items"]
    assert trail[-1]["kind"] == "copies.released"
    assert trail[-1]["detail"]["checked"] == shown["checked"]


def test_issuing_again_makes_no_empty_batch(brand: Brand, context: Context, asset: dict[str, Any]) -> None:
    brand.import_recipients(1)
    brand.issue(asset["id"])
    again = brand.issue(asset["id"])
    assert (again["issued"], again["batch_id"], again["batch_state"]) == (0, None, None)
    with context.database.reading() as session:
        assert len(list(session.scalars(everywhere(CopyBatch)))) == 1


def test_nothing_is_downloaded_while_it_is_checked(
    client: TestClient, brand: Brand, context: Context, asset: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from service import runtime

    submitted: list[tuple[str, str]] = []
    with monkeypatch.context() as patch:
        patch.setattr(context.jobs, "submit", lambda kind, subject: submitted.append((kind, subject)))
        brand.import_recipients(1)
        issued = brand.issue(asset["id"], wait=False)
    assert submitted == [(CHECK, issued["batch_id"])]
    (copy,) = brand.copies(asset["id"])
    assert copy["state"] == "checking"
    refused = client.get(copy["file"], headers=brand.uploader)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:telltale:problem:copy-being-checked")
    assert refused.json()["hint"] == "Try again in a moment."

    runtime.start(context)  # as after a kill: what was lost is looked up
    assert settled(brand, issued)["state"] == "released"
    assert client.get(copy["file"], headers=brand.uploader).status_code == 200


@pytest.mark.parametrize(
    ("named", "words"), [([], "copy 0001 named no copy"), ([2], "named copy 0002"), ([1, 2], "named copy 0001, ")]
)
def test_a_batch_that_does_not_name_itself_is_held(
    client: TestClient,
    brand: Brand,
    context: Context,
    asset: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    named: list[int],
    words: str,
) -> None:
    brand.import_recipients(2)
    with monkeypatch.context() as patch:
        asked = reading_back(context, patch, lambda _: named)
        issued = brand.issue(asset["id"], wait=False)
        held = settled(brand, issued)
    assert (held["state"], held["checked"], asked) == ("held", [], [1])
    assert words in held["reason"]
    copy = brand.copies(asset["id"])[1]
    assert copy["state"] == "held"
    refused = client.get(copy["file"], headers=brand.uploader)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:telltale:problem:copy-held")
    assert words in refused.json()["detail"]
    assert "tell the operator" in refused.json()["hint"]
    trail = client.get(f"/v1/provenance?asset={asset['id']}", headers=brand.investigator).json()["items"]
    assert (trail[-1]["kind"], trail[-1]["detail"]["reason"]) == ("copies.held", held["reason"])

    brand.issue(asset["id"])
    assert settled(brand, issued)["state"] == "released", "asking again has it checked again"
    assert client.get(copy["file"], headers=brand.uploader).status_code == 200


def test_a_check_that_fails_on_our_side_holds_the_batch(
    brand: Brand, context: Context, asset: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(serial: int) -> list[int]:
        raise RuntimeError("secret detail")

    brand.import_recipients(1)
    reading_back(context, monkeypatch, broken)
    held = settled(brand, brand.issue(asset["id"], wait=False))
    assert (held["state"], held["reason"]) == ("held", "Checking these copies failed on our side.")


def test_a_check_that_runs_twice_does_no_harm(
    brand: Brand, context: Context, asset: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    brand.import_recipients(1)
    issued = brand.issue(asset["id"])
    asked = reading_back(context, monkeypatch, lambda _: [])
    work.check(context, issued["batch_id"])
    work.fail(context, issued["batch_id"], RuntimeError("late"))
    assert (asked, settled(brand, issued)["state"]) == ([], "released")


def test_the_batch_of_a_deleted_asset_is_left_alone(
    client: TestClient, brand: Brand, context: Context, asset: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    brand.import_recipients(1)
    with monkeypatch.context() as patch:
        patch.setattr(context.jobs, "submit", lambda *_: None)
        issued = brand.issue(asset["id"], wait=False)
    assert client.delete(f"/v1/assets/{asset['id']}?confirm=Look 3", headers=brand.uploader).status_code == 204
    work.check(context, issued["batch_id"])
    assert batch(client, brand, issued)["state"] == "checking"
    with context.database.reading() as session:
        assert work.unfinished(session) == []


def test_somebody_elses_batch_is_not_found(
    client: TestClient, brand: Brand, other_brand: Brand, asset: dict[str, Any]
) -> None:
    brand.import_recipients(1)
    path = f"/v1/copy-batches/{brand.issue(asset['id'])['batch_id']}"
    assert client.get(path, headers=other_brand.uploader).status_code == 404
    assert client.get(path, headers=brand.flagger).status_code == 403


@given(first=st.integers(1, 10**6), size=st.integers(1, 10**5))
def test_a_sample_holds_both_ends_and_one_in_between(first: int, size: int) -> None:
    last = first + size - 1
    chosen = work.sample(new_id("bat"), first, last)
    assert chosen == sorted(set(chosen))
    assert (chosen[0], chosen[-1], len(chosen)) == (first, last, min(3, size))


@pytest.mark.parametrize("state", BatchState)
def test_states_follow_their_table(state: BatchState) -> None:
    for to in BatchState:
        row = CopyBatch(state=state.value)
        if to is state or to in TRANSITIONS[state]:
            row.advance(to)
            assert row.state == to.value
        else:
            with pytest.raises(ValueError, match="cannot go"):
                row.advance(to)
