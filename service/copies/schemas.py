"""Copies as they travel."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.copies.models import BatchState, Copy, CopyBatch


class NewCopies(BaseModel):
    """For whom to issue copies."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"recipients": "all"}, {"recipients": ["rcp_9c1d…"]}]})

    recipients: Annotated[list[str], Field(min_length=1, max_length=10_000)] | Literal["all"] = Field(
        description="Recipient ids, at most 10,000; or `all` of the brand's recipients."
    )


class Issued(BaseModel):
    """What issuing did; asking again for the same recipients changes nothing."""

    issued: int = Field(description="New copies.", examples=[200])
    existing: int = Field(description="Recipients who had a copy of this asset already.", examples=[0])
    total: int = Field(description="Copies of this asset for recipients, in all.", examples=[200])
    batch_id: str | None = Field(description="The batch of the new copies; null when there are none.")
    batch_state: BatchState | None = Field(description="Copies can be downloaded once their batch is `released`.")


class BatchOut(BaseModel):
    """A batch of copies: a sample of it is read back before any of it goes out."""

    id: str = Field(examples=["bat_4be1…"])
    asset_id: str
    state: BatchState = Field(description="checking → released, or held; held → checking when issuing is asked again.")
    reason: str | None = Field(description="Why it is held.")
    first_serial: int = Field(examples=[1])
    last_serial: int = Field(examples=[200])
    checked: list[int] = Field(description="Serials that were read back and named themselves.", examples=[[1, 88, 200]])
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, row: CopyBatch) -> BatchOut:
        """Show a row."""
        return cls(
            id=row.id,
            asset_id=row.asset_id,
            state=BatchState(row.state),
            reason=row.reason,
            first_serial=row.first_serial,
            last_serial=row.last_serial,
            checked=row.checked,
            created_at=row.created_at,
            ended_at=row.ended_at,
        )


class CopyOut(BaseModel):
    """A copy and whom it was issued to."""

    id: str = Field(examples=["cpy_77aa…"])
    asset_id: str
    serial: int = Field(description="Its number within the asset.", examples=[42])
    name: str = Field(examples=["copy 0042"])
    recipient_id: str | None
    alias: str | None = Field(description="The recipient's alias.", examples=["Press 042"])
    file: str = Field(description="Where the marked file is.", examples=["/v1/copies/cpy_77aa…/file"])
    state: BatchState = Field(description="`checking`, `released` or `held`; only released copies can be downloaded.")
    batch_id: str | None = Field(description="The batch it was issued in.")
    created_at: datetime

    @classmethod
    def of(cls, row: Copy, alias: str | None, state: BatchState) -> CopyOut:
        """Show a row."""
        return cls(
            id=row.id,
            asset_id=row.asset_id,
            serial=row.serial,
            name=copy_name(row.serial),
            recipient_id=row.recipient_id,
            alias=alias,
            file=f"/v1/copies/{row.id}/file",
            state=state,
            batch_id=row.batch_id,
            created_at=row.created_at,
        )


def copy_name(serial: int) -> str:
    """Name a copy for people.

    >>> copy_name(42)
    'copy 0042'
    """
    return f"copy {serial:04d}"
