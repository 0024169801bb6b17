"""What the operator sends and gets."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from service.identity.roles import Role

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class NewBrand(BaseModel):
    """A brand to create."""

    name: Name = Field(description="The brand's name.", examples=["Maison Aurore"])


class BrandCreated(BaseModel):
    """A new brand with its credentials, which are shown this once."""

    id: str = Field(examples=["brd_3f0c…"])
    name: str = Field(examples=["Maison Aurore"])
    tokens: dict[Role, str] = Field(
        description="One API token per role; stored only as a keyed hash, so keep them now.",
        examples=[{"uploader": "tt_…", "flagger": "tt_…", "investigator": "tt_…"}],
    )
    sign_in_url: str = Field(
        description="Signs one person in to the console, once.", examples=["http://…/sign-in/ttl_…"]
    )


class SignInUrl(BaseModel):
    """A fresh sign-in link."""

    sign_in_url: str = Field(
        description="Signs one person in to the console, once.", examples=["http://…/sign-in/ttl_…"]
    )


class TokenOut(BaseModel):
    """An API token without its text, which exists nowhere but with its owner."""

    id: str = Field(examples=["tok_19c2…"])
    role: Role
    created_at: datetime
    revoked_at: datetime | None = Field(description="Null while it is valid.")
