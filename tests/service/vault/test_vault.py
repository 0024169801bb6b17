"""The key file is made once and never replaced; sealed values and files open only in their place."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.runtime import build, stop
from service.settings import Settings
from service.vault import streams
from service.vault.keys import KeyFileMissing, KeyFileUnreadable, KeyFileWrong, Vault
from service.vault.secrets import Unsealable, seal, unseal

KEY, OTHER = bytes(range(32)), bytes(32)


@pytest.fixture
def at(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path, jobs_url="memory://")


def opened(at: Settings) -> Vault:
    context = build(at)
    context.pool.close()
    context.database.close()
    return context.vault


def test_the_key_file_is_made_on_the_first_run_for_its_owner_only(at: Settings) -> None:
    first = opened(at)
    for path in (at.key_file, at.operator_token_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert opened(at) == first


def test_a_missing_key_file_stops_the_start_and_is_not_replaced(at: Settings) -> None:
    opened(at)
    at.key_file.rename(at.key_file.with_suffix(".away"))
    with pytest.raises(KeyFileMissing) as caught:
        opened(at)
    assert "backup" in caught.value.hint
    assert not at.key_file.exists()


def test_a_wrong_key_file_stops_the_start(at: Settings, tmp_path: Path) -> None:
    opened(at)
    other = Settings(_env_file=None, data_dir=tmp_path / "other", jobs_url="memory://")
    opened(other)
    at.key_file.write_text(other.key_file.read_text())
    with pytest.raises(KeyFileWrong):
        opened(at)


def test_a_file_that_is_no_key_is_refused(at: Settings) -> None:
    at.key_file.write_text("hello")
    with pytest.raises(KeyFileUnreadable):
        opened(at)


def test_a_sealed_value_opens_only_with_its_key_in_its_place() -> None:
    sealed = seal(KEY, b"desk@example.org", place="recipient/1")
    assert unseal(KEY, sealed, place="recipient/1") == b"desk@example.org"
    for key, value, place in (
        (OTHER, sealed, "recipient/1"),
        (KEY, sealed, "recipient/2"),
        (KEY, sealed[:-1], "recipient/1"),
    ):
        with pytest.raises(Unsealable):
            unseal(key, value, place=place)


def test_a_brands_key_opens_nothing_of_another_brand() -> None:
    vault = Vault(KEY)
    wrapped = vault.new_tenant_key("brd_1")
    with pytest.raises(Unsealable):
        vault.tenant("brd_2", wrapped)
    one, two = vault.tenant("brd_1", wrapped), vault.tenant("brd_2", vault.new_tenant_key("brd_2"))
    assert one.keyed("contact", "a@b") != two.keyed("contact", "a@b")
    with pytest.raises(Unsealable):
        two.unseal(one.seal(b"x", place="p"), place="p")


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([0, 1, 5, streams.SEGMENT - 1, streams.SEGMENT, streams.SEGMENT + 1, 2 * streams.SEGMENT + 7]),
    st.integers(1, 3 * streams.SEGMENT),
)
def test_a_file_survives_encryption_read_in_any_pieces(size: int, piece: int) -> None:
    data = os.urandom(size)
    stored = b"".join(streams.encrypt(KEY, data, aad="a"))
    pieces = (stored[at : at + piece] for at in range(0, len(stored), piece))
    assert b"".join(streams.decrypt(KEY, pieces, aad="a")) == data


def test_altered_shortened_reordered_and_swapped_files_are_refused() -> None:
    data = os.urandom(3 * streams.SEGMENT)
    stored = b"".join(streams.encrypt(KEY, data, aad="brand/asset/original"))
    header, sealed = 27, streams.SEGMENT + 16
    damaged = {
        "altered": stored[:5000] + bytes([stored[5000] ^ 1]) + stored[5001:],
        "shortened": stored[: header + 2 * sealed],
        "cut": stored[:-100],
        "reordered": stored[:header] + stored[header + sealed : header + 2 * sealed] + stored[header : header + sealed],
        "extended": stored + stored[-sealed:],
        "empty": b"",
    }
    for body in damaged.values():
        with pytest.raises(streams.DamagedFile):
            b"".join(streams.decrypt(KEY, [body], aad="brand/asset/original"))
    with pytest.raises(streams.DamagedFile):
        b"".join(streams.decrypt(KEY, [stored], aad="brand/other/original"))


def test_nothing_at_rest_is_readable(context, brand, asset, tmp_path: Path) -> None:
    brand.client.post(
        "/v1/recipients", json={"alias": "Press 1", "contact": "desk@example.org"}, headers=brand.uploader
    )
    blobs = [path.read_bytes() for path in (context.settings.data_dir / "blobs").rglob("*") if path.is_file()]
    assert len(blobs) >= 2
    assert all(body.startswith(streams.MAGIC) for body in blobs)
    context.database.engine.dispose()
    records = b"".join(path.read_bytes() for path in context.settings.data_dir.glob("service.sqlite*"))
    assert b"desk@example.org" not in records
    for headers in (brand.uploader, brand.flagger):
        assert headers["Authorization"].removeprefix("Bearer ").encode() not in records


def test_a_second_start_opens_what_the_first_stored(at: Settings) -> None:
    context = build(at)
    sealed = context.vault.seal(b"x", place="p")
    context.jobs.start()
    stop(context)
    assert opened(at).unseal(sealed, place="p") == b"x"
