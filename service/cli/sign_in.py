"""``telltale sign-in``: a fresh one-time link to the console."""

from __future__ import annotations

from typing import Annotated

import typer

from service.cli.brands import NoSuchBrand, all_brands, choose
from service.cli.installation import require_installation, settings_for
from service.cli.options import AsJson, DataDir, Debug, PublicUrl
from service.cli.terminal import terminal
from service.runtime import offline
from service.tenants import service


def sign_in(
    brand: Annotated[str | None, typer.Argument(help="The brand's id or name; not needed where there is one.")] = None,
    public_url: PublicUrl = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    debug: Debug = False,
) -> None:
    """Make a fresh link that signs one person in to the console, once."""
    with terminal(as_json=as_json, debug=debug) as shown:
        settings = settings_for(data_dir, public_url=public_url)
        require_installation(settings)
        with offline(settings) as context, context.database.writing() as session:
            found = choose(all_brands(session), brand)
            if found is None:
                raise NoSuchBrand("There is no brand here yet.", hint="Make one with 'telltale brand create NAME'.")
            url = service.sign_in_url(session, context=context, tenant_id=found.id)
        value = {"id": found.id, "name": found.name, "sign_in_url": url, "lifetime_s": settings.sign_in_link_s}
        shown.result(value, url)
        shown.note(f"[dim]Works once, within {settings.sign_in_link_s // 60} minutes.[/]")
