"""Sightings as they travel, cut to what each role may know.

Wording is part of the contract: a trace names a copy, never a person, and always lists what else could explain it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from service.sightings.models import ExhibitKind, Outcome, SightingState
from service.videos.content import Kind

ALTERNATIVES = (
    "The recipient's account or device was accessed by somebody else.",
    "The recipient forwarded the copy in good faith, and somebody further on published it.",
    "A device or a storage medium holding the copy was lost or stolen.",
    "The copy was intercepted on its way to the recipient.",
)


class NamedCopyOut(BaseModel):
    """A copy whose pixels are in the picture; investigators only."""

    copy_id: str = Field(examples=["cpy_77aa…"])
    serial: int = Field(examples=[42])
    name: str = Field(examples=["copy 0042"])
    kind: str = Field(description="`recipient`, or `viewer` for a copy shown to somebody in the console.")
    recipient_id: str | None
    issued_to: str = Field(description="The recipient's alias, or the console seat.", examples=["Press 042"])
    statement: str = Field(examples=["The picture shows copy 0042, issued to Press 042."])
    log10_false_accusation: float = Field(
        description="Decimal logarithm of the probability, at most, that any innocent copy would be named.",
        examples=[-31.4],
    )
    score: float = Field(description="In standard deviations of an innocent copy's score.", examples=[14.2])


class SightingOut(BaseModel):
    """A sighting; fields that a role may not know are null."""

    id: str = Field(examples=["sgt_0d4e…"])
    state: SightingState = Field(description="received → recognising → tracing → done, or failed.")
    stage: str = Field(description="What is happening, in words.", examples=["reading the mark"])
    progress: float = Field(description="0 to 1.", examples=[0.6])
    ours: bool | None = Field(description="Whether the picture shows an asset of the brand; null while unknown.")
    trace_begun: bool
    trace_ended: bool
    created_at: datetime
    problem: str | None = Field(default=None, description="Why it failed.")
    hint: str | None = Field(default=None, description="What would help.")
    outcome: Outcome | None = Field(default=None, description="Uploaders and investigators.")
    reason: str | None = Field(default=None, description="Why no copy is named.")
    asset_id: str | None = None
    asset_title: str | None = None
    coverage: float | None = Field(default=None, description="Share of the asset's area that the picture shows.")
    named: list[NamedCopyOut] | None = Field(default=None, description="Investigators only; empty below the gate.")
    mixture: bool | None = Field(default=None, description="Whether several copies were mixed; investigators only.")
    alternatives: list[str] | None = Field(default=None, description="What else could explain a named copy.")
    copies_tried: int | None = None
    looks: int | None = Field(default=None, description="Ways of looking that the probability pays for.")
    homography: list[list[float]] | None = Field(default=None, description="Picture px to the asset's working raster.")
    kind: Kind = Field(default=Kind.PICTURE, description="Of what was found: `picture` or `video`.")
    from_s: float | None = Field(default=None, description="Of a video: the earliest moment of it that was read.")
    to_s: float | None = Field(default=None, description="The latest.")
    strip: str | None = Field(default=None, description="Where in a video the mark was read; investigators only.")
    heat_map: str | None = Field(default=None, description="Where the mark was read, as PNG; investigators only.")
    leak: str | None = Field(default=None, description="The picture, small; investigators only.")
    page_url: str | None = None
    notes: str | None = None
    sha256: str | None = None
    timings_s: dict[str, float] | None = Field(default=None, examples=[{"recognise": 0.9, "trace": 1.4}])
    finished_at: datetime | None = None


class StripOut(BaseModel):
    """Where in a video the mark was read: one row per slice of the picture, one column per second or so."""

    starts_s: list[float] = Field(description="When each column begins, in the video.")
    ends_s: list[float]
    strength: list[list[float]] = Field(description="From 0 to 1: how far the mark stood out, by row and column.")
    agreement: list[list[float]] | None = Field(
        description="From -1 to 1: the same, positive where it is the named copy's; null where none is named."
    )
    leak_s: list[float] = Field(description="Times of the frames that were read, in the clip.")
    video_s: list[float] = Field(description="The same frames' times in the video.")
    length_s: float = Field(description="Of the video.")


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]


class Obtained(StrEnum):
    """How the pixels were got, the best first."""

    FILE = "file"
    CANVAS = "canvas"
    CAPTURE = "capture"
    STITCHED = "stitched"
    SCREEN = "screen"
    UPLOAD = "upload"


class FrameClaim(BaseModel):
    """One frame of a video."""

    at_s: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="Its time in the video.")
    sha256: Sha256 | None = None


class CaptureClaim(BaseModel):
    """What the sender says of how, where and when the picture was taken."""

    obtained: Obtained = Field(
        description="`file`: as its host serves it. `canvas`: exported by the page. `capture`, `stitched`: captured at "
        "its own pixels, at once or in parts. `screen`: cut out of the page. `upload`: a file from elsewhere."
    )
    kind: Text | None = Field(default=None, description="What kind of element showed it.", examples=["picture"])
    title: Text | None = Field(default=None, description="The page's title.")
    permalink: Text | None = Field(default=None, description="The post's own address, where the page states one.")
    account: Text | None = Field(default=None, description="Who posted it, where the page states that.")
    picture_url: Text | None = Field(default=None, description="Where the picture itself is served.")
    seen_at: AwareDatetime | None = Field(default=None, description="When it was seen, by the sender's clock.")
    width: int | None = Field(default=None, ge=1, le=10**6)
    height: int | None = Field(default=None, ge=1, le=10**6)
    pieces: int | None = Field(default=None, ge=1, le=1000, description="For `stitched`: how many captures.")
    scale: float | None = Field(default=None, gt=0, le=1, description="Below 1 where it was captured smaller.")
    pdq_shown: Text | None = Field(default=None, description="PDQ of what the page showed.")
    pdq_sent: Text | None = Field(default=None, description="PDQ of the picture that was sent.")
    sha256: Sha256 | None = Field(default=None, description="Of the picture; refused if it arrives otherwise.")
    screenshot_sha256: Sha256 | None = None
    frames: list[FrameClaim] = Field(default_factory=list, max_length=10)
    agent: Text | None = Field(default=None, description="The sender's program and browser.")


class ExhibitOut(BaseModel):
    """A file that came with the picture; size and SHA-256 are the service's own."""

    id: str = Field(examples=["exh_51c0…"])
    kind: ExhibitKind
    at_s: float | None = Field(description="For a frame: its time in the video.")
    size_bytes: int
    sha256: str
    picture: str = Field(description="Address of the exhibit at 480 px or less.")


class EvidenceOut(BaseModel):
    """How a sighting's picture was taken: what was received, and what the sender says."""

    sighting_id: str
    received_at: datetime = Field(description="By the service's clock.")
    picture_sha256: str = Field(description="Of the picture as received, made by the service.")
    picture_bytes: int
    claim: CaptureClaim | None = Field(description="The sender's words; null where none came.")
    exhibits: list[ExhibitOut]
