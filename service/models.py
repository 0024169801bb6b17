"""All tables in one place, for migrations and for nothing else."""

from __future__ import annotations

from service.assets.models import Asset
from service.copies.models import Copy, CopyBatch
from service.db import Base
from service.events.models import Event
from service.identity.grants import Grant, GrantSecret
from service.identity.models import ApiToken, ConsoleSession, Member, SignInLink
from service.lookups.models import Fingerprint, Landmarks, Removal
from service.net.models import KeptAnswer
from service.recipients.models import Recipient
from service.sightings.models import Exhibit, NamedCopy, Sighting
from service.tenants.models import Tenant
from service.vault.models import KeyCheck
from service.videos.models import VideoSegment

__all__ = [
    "ApiToken",
    "Asset",
    "Base",
    "ConsoleSession",
    "Copy",
    "CopyBatch",
    "Event",
    "Exhibit",
    "Fingerprint",
    "Grant",
    "GrantSecret",
    "KeptAnswer",
    "KeyCheck",
    "Landmarks",
    "Member",
    "NamedCopy",
    "Recipient",
    "Removal",
    "Sighting",
    "SignInLink",
    "Tenant",
    "VideoSegment",
]
