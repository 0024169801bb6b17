"""Every knob of the service, read once from the environment when the application is built.

URLs choose engines: ``sqlite:///`` or ``postgresql+psycopg://`` for the database, the same for jobs (``memory://``
runs them in this process and forgets them), ``file://``, ``s3://``, ``gs://`` or ``az://`` for files at rest. The
look-up is searched in this process over a mapped file (``file://``) or without one (``memory://``), or in the database
of records (``postgresql://``, exact; ``pgvector://``, which may miss).
What is left empty is derived from ``data_dir``, so that one directory is the whole installation.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The whole configuration; frozen, documented in ``.env.example``."""

    model_config = SettingsConfigDict(env_prefix="TELLTALE_", env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Field(default=Path("./data"), description="Where everything lives that has no URL of its own.")
    database_url: str = Field(default="", description="Records. Default: sqlite in data_dir.")
    jobs_url: str = Field(default="", description="Durable jobs. Default: a second sqlite file in data_dir.")
    blob_url: str = Field(default="", description="Encrypted files. Default: a folder in data_dir.")
    lookup_url: str = Field(default="", description="The look-up's engine. Default: a folder in data_dir.")
    key_file: Path = Field(default=Path(""), description="The key that everything at rest hangs on. Back it up.")
    operator_token_file: Path = Field(default=Path(""), description="The secret that may create brands.")

    public_url: str = Field(default="", description="How people reach the service. Default: http://host:port.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port to listen on.")

    max_upload_bytes: int = Field(default=200 * 2**20, ge=1024, description="The largest request body.")
    max_pixels: int = Field(
        default=100_000_000, ge=4096, le=178_000_000, description="The largest picture, width times height."
    )
    max_video_s: float = Field(default=4 * 3600.0, gt=0, description="The longest video, in seconds.")
    max_video_pixels: int = Field(
        default=4096 * 2304, ge=16_384, le=33_177_600, description="The largest frame of a video, width times height."
    )
    max_video_total_pixels: int = Field(
        default=1_800_000_000_000,
        ge=16_384,
        description="Width times height times frames of a video; preparing it costs time in proportion.",
    )
    max_video_tracks: int = Field(default=64, ge=1, le=1000, description="Pictures, sound, subtitles of a video.")
    max_video_stored_bytes: int = Field(
        default=64 * 2**30, ge=2**20, description="What a prepared video may take on the disk."
    )
    workers: int = Field(default=0, ge=0, le=256, description="Processes for pixel work. 0: one per core, at least 2.")
    worker_memory_bytes: int = Field(default=8 * 2**30, ge=2**30, description="Address space of one such process.")
    worker_timeout_s: float = Field(default=300.0, gt=0, description="A task that takes longer is killed.")
    video_timeout_s: float = Field(
        default=1200.0, gt=0, description="The same for preparing six seconds of a video, or reading a clip."
    )

    rate_limit: str = Field(default="1200/minute", description="Requests per caller.")
    lookup_limit: str = Field(default="30000/minute", description="Hashes looked up per caller.")
    failed_sign_in_limit: str = Field(default="20/minute", description="Refused credentials per address.")
    sign_in_link_s: int = Field(default=3600, ge=60, description="How long a console sign-in link lives.")
    session_s: int = Field(default=12 * 3600, ge=60, description="How long a console session lives.")
    extension_redirects: str = Field(
        default="", description="Where else the extension's sign-in may lead back: addresses, separated by spaces."
    )
    migrate_on_start: bool = Field(default=True, description="Bring the database schema up to date when starting.")

    @model_validator(mode="before")
    @classmethod
    def _derive(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        data = dict(values)
        root = Path(data.get("data_dir") or "./data").resolve()
        derived: dict[str, object] = {
            "data_dir": root,
            "database_url": f"sqlite:///{root / 'service.sqlite'}",
            "jobs_url": f"sqlite:///{root / 'jobs.sqlite'}",
            "blob_url": (root / "blobs").as_uri(),
            "lookup_url": (root / "lookups").as_uri(),
            "key_file": root / "telltale.key",
            "operator_token_file": root / "operator.token",
            "public_url": f"http://{data.get('host') or '127.0.0.1'}:{data.get('port') or 8000}",
            "workers": max(2, os.cpu_count() or 2),
        }
        for name, value in derived.items():
            if not data.get(name) or str(data[name]) in ("", ".", "0"):
                data[name] = value
        data["data_dir"] = root
        return data

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.public_url.startswith(("http://", "https://")):
            raise ValueError("TELLTALE_PUBLIC_URL must begin with http:// or https://")
        return self

    @property
    def secure(self) -> bool:
        """Whether people arrive by TLS, so that cookies may be bound to it."""
        return self.public_url.startswith("https://")
