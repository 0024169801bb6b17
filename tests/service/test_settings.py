"""Settings are documented, frozen, and derived from one directory."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import Settings

EXAMPLE = (Path(__file__).parents[2] / ".env.example").read_text()


def test_every_setting_is_in_the_example_and_nothing_else() -> None:
    written = set(re.findall(r"^TELLTALE_(\w+)=", EXAMPLE, re.MULTILINE))
    assert written == {name.upper() for name in Settings.model_fields}


def test_the_example_is_what_happens_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plain = Settings(_env_file=None)
    (tmp_path / ".env").write_text(EXAMPLE)
    assert Settings() == plain


def test_one_directory_is_the_whole_installation(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    for url in (settings.database_url, settings.jobs_url, settings.blob_url):
        assert str(tmp_path) in url
    assert settings.key_file.parent == settings.operator_token_file.parent == tmp_path


def test_settings_are_frozen_and_checked(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Settings(_env_file=None, data_dir=tmp_path, public_url="ftp://x")
