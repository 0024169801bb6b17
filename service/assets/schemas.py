"""Assets as they travel."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from service.assets.models import Asset, AssetState


class AssetOut(BaseModel):
    """An asset and how far it is."""

    id: str = Field(examples=["ast_51b7…"])
    title: str = Field(examples=["Autumn campaign, look 3"])
    state: AssetState = Field(description="received → preparing → ready, or failed.")
    progress: float = Field(description="0 to 1.", examples=[0.55])
    problem: str | None = Field(description="Why it failed.")
    hint: str | None = Field(description="What to do about it.")
    embargo_until: datetime | None
    format: str | None = Field(examples=["JPEG"])
    width: int | None = Field(examples=[4032])
    height: int | None = Field(examples=[2688])
    size_bytes: int
    sha256: str = Field(description="Of the file as uploaded.")
    copies: int = Field(description="How many copies there are, those that viewers look at included.", examples=[200])
    created_at: datetime

    @classmethod
    def of(cls, row: Asset) -> AssetOut:
        """Show a row."""
        return cls(
            id=row.id,
            title=row.title,
            state=AssetState(row.state),
            progress=row.progress,
            problem=row.problem,
            hint=row.hint,
            embargo_until=row.embargo_until,
            format=row.format,
            width=row.width,
            height=row.height,
            size_bytes=row.size_bytes,
            sha256=row.sha256,
            copies=row.last_serial,
            created_at=row.created_at,
        )
