"""Provenance as it travels."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from service.events.models import EventKind
from service.sightings.models import Outcome


class SightingBrief(BaseModel):
    """A sighting in one line."""

    id: str
    outcome: Outcome | None
    page_url: str | None


class ProvenanceEntry(BaseModel):
    """One thing that happened."""

    at: datetime
    kind: EventKind
    principal_id: str | None = Field(description="The token or console seat that did it; null for the service itself.")
    asset_id: str | None
    copy_id: str | None
    copy_name: str | None = Field(examples=["copy 0042"])
    recipient_id: str | None
    alias: str | None = Field(examples=["Press 042"])
    sighting: SightingBrief | None
    detail: dict[str, Any] = Field(examples=[{"sha256": "9f86…"}])
