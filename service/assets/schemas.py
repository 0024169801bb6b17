"""Assets as they travel."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from service.assets.models import Asset, AssetState
from service.videos.content import Kind


class RungOut(BaseModel):
    """One damage that a trial copy was put through, and how it was read afterwards."""

    name: str = Field(examples=["JPEG quality 30"])
    score: float = Field(description="In standard deviations of an innocent copy's score.", examples=[17.6])
    log10_bound: float = Field(
        description="Decimal logarithm of the false-accusation probability, at most, among a million copies.",
        examples=[-71.1],
    )
    required: bool = Field(description="Whether the asset is held when it does not survive this.")
    survives: bool = Field(description="Whether the copy would be named.")


class CertificateOut(BaseModel):
    """What an asset's mark was seen to bear before anything was issued."""

    passed: bool = Field(description="Whether every required damage was survived.")
    reason: str | None = Field(description="Why not.")
    hint: str | None = Field(description="What would make it pass.")
    rungs: list[RungOut]


class Release(BaseModel):
    """The word that a held asset may go out."""

    confirm: str = Field(description="The asset's title, repeated.", max_length=400, examples=["Autumn campaign"])


class AssetOut(BaseModel):
    """An asset and how far it is."""

    id: str = Field(examples=["ast_51b7…"])
    kind: Kind = Field(description="`picture` or `video`.")
    title: str = Field(examples=["Autumn campaign, look 3"])
    state: AssetState = Field(description="received → preparing → ready, held or failed; held → ready.")
    progress: float = Field(description="0 to 1.", examples=[0.55])
    problem: str | None = Field(description="Why it is held or failed.")
    hint: str | None = Field(description="What to do about it.")
    embargo_until: datetime | None
    format: str | None = Field(examples=["JPEG"])
    width: int | None = Field(examples=[4032])
    height: int | None = Field(examples=[2688])
    duration_s: float | None = Field(description="Of a video.", examples=[31.5])
    notes: list[str] = Field(description="What a video's copies lose against the original, in words.")
    size_bytes: int
    sha256: str = Field(description="Of the file as uploaded.")
    copies: int = Field(description="How many copies there are, those that viewers look at included.", examples=[200])
    created_at: datetime
    certificate: CertificateOut | None = Field(description="Null until the preflight has run.")
    carries: str | None = Field(description="Where it carries its mark, as PNG.", examples=["/v1/assets/…/carries.png"])

    @classmethod
    def of(cls, row: Asset) -> AssetOut:
        """Show a row."""
        return cls(
            id=row.id,
            kind=Kind(row.kind),
            title=row.title,
            state=AssetState(row.state),
            progress=row.progress,
            problem=row.problem,
            hint=row.hint,
            embargo_until=row.embargo_until,
            format=row.format,
            width=row.width,
            height=row.height,
            duration_s=row.duration_s,
            notes=row.notes or [],
            size_bytes=row.size_bytes,
            sha256=row.sha256,
            copies=row.last_serial,
            created_at=row.created_at,
            certificate=CertificateOut.model_validate(row.certificate) if row.certificate else None,
            carries=f"/v1/assets/{row.id}/carries.png" if row.certificate else None,
        )
