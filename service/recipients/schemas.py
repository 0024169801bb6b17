"""Recipients as they travel; a contact goes in and never comes out."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from service.recipients.models import Recipient


class NewRecipient(BaseModel):
    """A recipient to add."""

    alias: str = Field(description="What you call them; need not be a name.", examples=["Press 042"], max_length=200)
    contact: str | None = Field(
        default=None, description="Optional; stored sealed.", examples=["desk@example.org"], max_length=500
    )


class RecipientOut(BaseModel):
    """A recipient."""

    id: str = Field(examples=["rcp_9c1d…"])
    alias: str = Field(examples=["Press 042"])
    has_contact: bool = Field(description="Whether a sealed contact is stored.")
    created_at: datetime

    @classmethod
    def of(cls, row: Recipient) -> RecipientOut:
        """Show a row."""
        return cls(id=row.id, alias=row.alias, has_contact=row.contact_sealed is not None, created_at=row.created_at)


class ImportReport(BaseModel):
    """What an import did, or would do."""

    added: int = Field(description="How many recipients were added (or would be, in a dry run).", examples=[200])
    dry_run: bool
