"""Questions and answers of the look-up."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator


class HashQuery(BaseModel):
    """One picture's hash: exactly one of the three."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"pdq": "f8f8…64 hex digits", "quality": 97}]})

    pdq: str | None = Field(default=None, max_length=200, description="256-bit PDQ as 64 hex digits.")
    phash: str | None = Field(default=None, max_length=200, description="64-bit pHash as 16 hex digits.")
    dhash: str | None = Field(default=None, max_length=200, description="64-bit dHash as 16 hex digits.")
    quality: int | None = Field(
        default=None, ge=0, le=100, description="PDQ's quality, if known: flat pictures say little."
    )

    @model_validator(mode="after")
    def _one(self) -> HashQuery:
        if sum(value is not None for value in (self.pdq, self.phash, self.dhash)) != 1:
            raise ValueError("give exactly one of pdq, phash, dhash")
        return self


class LookupQuery(BaseModel):
    """A batch of hashes."""

    hashes: list[HashQuery] = Field(min_length=1, max_length=500, description="At most 500.")


class LookupResult(StrEnum):
    """What a hash tells."""

    OURS = "ours"
    CANDIDATE = "candidate"
    NOT_OURS = "not_ours"
    UNREADABLE = "unreadable"


class LookupAnswer(BaseModel):
    """The answer for one picture."""

    result: LookupResult = Field(
        description="`candidate`: near, but only the picture itself can tell (POST /v1/lookup/image). "
        "`unreadable`: no answer, which is not the same as `not_ours`."
    )
    embargo_until: datetime | None = Field(default=None, description="For `ours`.")
    embargoed: bool | None = Field(
        default=None,
        description="For `ours`: whether the embargo lasts, by our clock; without a date it does.",
    )
    asset_id: str | None = Field(default=None, description="For `ours`, to uploaders and investigators only.")
    title: str | None = Field(default=None, description="For `ours`, to uploaders and investigators only.")
    distance_bits: int | None = Field(
        default=None, description="Hamming distance, to uploaders and investigators only."
    )
    at_s: float | None = Field(
        default=None, description="Of a video: the moment that it shows, in seconds; to uploaders and investigators."
    )
    other_asset_ids: list[str] | None = Field(
        default=None,
        description="For `ours` by a hash: the brand's other assets that are as near, such as other colourways of the "
        "shot, which only the picture itself can tell apart; to uploaders and investigators only.",
    )
    inliers: int | None = Field(default=None, description="Matching local features, where they decided.")


class LookupAnswers(BaseModel):
    """Answers in the order of the questions."""

    results: list[LookupAnswer]
