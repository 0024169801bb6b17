"""The service without a server: the same jobs on a data directory, done when the call returns."""

from __future__ import annotations

import numpy as np
from conftest import jpeg

from service.assets.service import receive as receive_asset
from service.assets.service import require as require_asset
from service.copies.rendering import file_of
from service.copies.service import issue, list_
from service.identity.roles import Principal, Role
from service.jobs.pool import PixelPool
from service.pages import Window
from service.recipients.service import import_csv
from service.runtime import offline
from service.settings import Settings
from service.sightings.service import receive as receive_sighting
from service.sightings.service import require as require_sighting
from service.sightings.showing import show
from service.tenants.service import create


def test_protect_and_trace_without_a_server(settings: Settings, pool: PixelPool, astronaut: np.ndarray) -> None:
    with offline(settings, pool=pool) as context:
        with context.database.writing() as session:
            brand = create(session, context=context, name="Local").tenant
        me = Principal("cli", brand.id, frozenset(Role), "command line")
        with context.database.writing() as session:
            data = jpeg(astronaut[:256, 128:384])
            asset = receive_asset(session, context=context, principal=me, data=data, title="Look 3")
        with context.database.writing() as session:
            assert require_asset(session, principal=me, asset_id=asset.id).state == "ready"
            import_csv(session, vault=context.vault, principal=me, data=b"alias\nPress 1\nPress 2\n")
            issue(session, context=context, principal=me, asset_id=asset.id, recipients="all")
            second = list_(session, principal=me, asset_id=asset.id, window=Window())[0][1][0]
        leak = file_of(context, principal=me, copy_id=second.id).data
        with context.database.writing() as session:
            sighting = receive_sighting(session, context=context, principal=me, data=leak)
        with context.database.reading() as session:
            row = require_sighting(session, principal=me, sighting_id=sighting.id)
            shown = show(session, principal=me, sightings=[row])[0]
    assert [named.issued_to for named in shown.named or []] == ["Press 2"]
