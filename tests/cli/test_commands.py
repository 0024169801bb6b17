"""Help, wrong use, and broken installations: one line, a hint, the right status, never a traceback."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import Protected, Ran

COMMANDS = [
    *(
        ["serve"],
        ["demo"],
        ["protect"],
        ["trace"],
        ["sign-in"],
        ["brand"],
        ["brand", "create"],
        ["db"],
        ["db", "upgrade"],
    )
]


@pytest.mark.parametrize("command", [[], *COMMANDS], ids=" ".join)
def test_every_command_explains_itself(telltale: Callable[..., Ran], command: list[str]) -> None:
    told = telltale(*command, "--help")
    assert (told.status, told.err) == (0, "")
    assert "Usage: telltale" in told.out
    if command not in ([], ["brand"], ["db"]):
        assert "--json" in told.out
        assert "--data-dir" in told.out


@pytest.mark.parametrize(
    "arguments", [["fly"], ["protect"], ["trace", "a", "b"], ["trace", "--colour", "red"], ["serve", "--port", "x"]]
)
def test_wrong_use_is_status_2_and_points_to_the_help(telltale: Callable[..., Ran], arguments: list[str]) -> None:
    told = telltale(*arguments)
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith("Error: ")
    assert "--help" in told.err


def test_a_missing_file_is_named(telltale: Callable[..., Ran], tmp_path: Path) -> None:
    told = telltale("trace", tmp_path / "gone.jpg", "--data-dir", tmp_path / "d", "--json")
    assert told.status == 2
    assert told.json["error"]["code"] == "no-such-file"
    assert "gone.jpg" in told.err
    assert not (tmp_path / "d").exists(), "a failed question makes no installation"


def test_a_bad_list_of_recipients_is_refused_with_its_line(
    protected: Protected, telltale: Callable[..., Ran], tmp_path: Path
) -> None:
    (tmp_path / "r.csv").write_text("alias\nPress 1\n\nPress 1\n")
    arguments = ("--recipients", tmp_path / "r.csv", "--out", tmp_path / "o", "--data-dir", tmp_path / "d")
    told = telltale("protect", protected.picture, *arguments)
    assert told.status == 1
    assert "line 4: the alias is the same as on line 2" in told.err
    assert not (tmp_path / "o").exists()


def test_an_empty_directory_is_no_installation(telltale: Callable[..., Ran], tmp_path: Path) -> None:
    picture = tmp_path / "a.jpg"
    picture.write_bytes(b"x")
    for command in (["trace", picture], ["sign-in"]):
        told = telltale(*command, "--data-dir", tmp_path)
        assert (told.status, told.err.splitlines()[0]) == (1, f"Error: There is no Telltale data in {tmp_path}.")
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]


def test_a_brand_without_pictures_has_nothing_to_compare(telltale: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    assert telltale("brand", "create", "Aurore", "--data-dir", tmp_path / "d").status == 0
    told = telltale("trace", tmp_path / "a.jpg", "--data-dir", tmp_path / "d")
    assert (told.status, "telltale protect" in told.err) == (1, True)


@pytest.mark.parametrize("damage", ["missing", "damaged", "another"])
def test_a_key_that_does_not_fit_stops_every_command(telltale: Callable[..., Ran], tmp_path: Path, damage: str) -> None:
    assert telltale("brand", "create", "Aurore", "--data-dir", tmp_path / "d").status == 0
    key = tmp_path / "d" / "telltale.key"
    if damage == "another":
        assert telltale("brand", "create", "Aurore", "--data-dir", tmp_path / "e").status == 0
        key.write_text((tmp_path / "e" / "telltale.key").read_text())
    elif damage == "damaged":
        key.write_bytes(b"\xff\xfe")
    else:
        key.unlink()
    for command in (["sign-in"], ["brand", "create", "Two"], ["serve", "--port", free_port()]):
        told = telltale(*command, "--data-dir", tmp_path / "d", "--json")
        assert told.status == 1
        assert told.json["error"]["code"].startswith("key-file-")
        assert "telltale.key" in told.err
    assert key.exists() is (damage != "missing"), "a key is never replaced silently"


def test_a_brand_comes_with_tokens_and_a_link(telltale: Callable[..., Ran], tmp_path: Path) -> None:
    made = telltale("brand", "create", " Maison  Aurore ", "--data-dir", tmp_path, "--json").json
    assert set(made["tokens"]) == {"uploader", "flagger", "investigator"}
    assert all(token.startswith("tt_") for token in made["tokens"].values())
    assert made["sign_in_url"].startswith("http://127.0.0.1:8000/sign-in/ttl_")
    for wanted in ([], [made["id"]], [made["name"].upper()]):
        link = telltale(
            "sign-in", *wanted, "--data-dir", tmp_path, "--public-url", "https://tell.example", "--json"
        ).json
        assert link["sign_in_url"].startswith("https://tell.example/sign-in/ttl_")
    unknown = telltale("sign-in", "Nobody", "--data-dir", tmp_path)
    assert (unknown.status, made["name"] in unknown.err) == (1, True)


def test_a_brand_needs_a_name(telltale: Callable[..., Ran], tmp_path: Path) -> None:
    assert telltale("brand", "create", "  ", "--data-dir", tmp_path).status == 2


def test_upgrading_the_schema_twice_changes_nothing(telltale: Callable[..., Ran], tmp_path: Path) -> None:
    first = telltale("db", "upgrade", "--data-dir", tmp_path / "new", "--json").json
    assert (first["before"], first["changed"]) == (None, True)
    assert telltale("db", "upgrade", "--data-dir", tmp_path / "new", "--json").json == {
        "before": first["after"],
        "after": first["after"],
        "changed": False,
    }


def test_a_taken_port_is_said_before_anything_starts(telltale: Callable[..., Ran], tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        told = telltale("serve", "--port", port, "--data-dir", tmp_path)
    assert told.status == 1
    assert f"Port {port} on 127.0.0.1 is taken" in told.err
    assert "--port" in told.err


def test_a_wrong_setting_is_named(
    telltale: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELLTALE_PORT", "many")
    told = telltale("sign-in", "--data-dir", tmp_path)
    assert (told.status, told.err.startswith("Error: TELLTALE_PORT: ")) == (2, True)


def test_what_nobody_foresaw_is_one_line_unless_debugging(
    telltale: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("odd [thing]")

    monkeypatch.setattr("service.cli.db.current", broken)
    told = telltale("db", "upgrade", "--data-dir", tmp_path)
    assert (told.status, told.err.splitlines()[0]) == (1, "Error: Unexpected RuntimeError: odd [thing]")
    with pytest.raises(RuntimeError):
        telltale("db", "upgrade", "--data-dir", tmp_path, "--debug")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
