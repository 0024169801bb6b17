"""``telltale brand create``: a brand, its tokens, and its first sign-in link."""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic import ValidationError

from service.cli.installation import settings_for
from service.cli.options import AsJson, DataDir, Debug, PublicUrl
from service.cli.terminal import WrongUse, plain, terminal
from service.runtime import offline
from service.tenants import service
from service.tenants.schemas import NewBrand

app = typer.Typer(help="Brands: whose pictures, whose recipients, whose keys.", no_args_is_help=True)


@app.callback()
def brands() -> None:
    """Brands: whose pictures, whose recipients, whose keys."""


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the brand is called.")],
    public_url: PublicUrl = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    debug: Debug = False,
) -> None:
    """Create a brand; prints one API token per role and a one-time console link, all shown this once."""
    with terminal(as_json=as_json, debug=debug) as shown:
        settings = settings_for(data_dir, public_url=public_url)
        try:
            wanted = NewBrand(name=name).name
        except ValidationError:
            raise WrongUse("A brand needs a name of 1 to 200 characters.", hint="telltale brand create NAME") from None
        with offline(settings) as context, context.database.writing() as session:
            made = service.create(session, context=context, name=wanted)
        value = {
            "id": made.tenant.id,
            "name": made.tenant.name,
            "tokens": {str(role): token for role, token in made.tokens.items()},
            "sign_in_url": made.sign_in_url,
        }
        shown.result(
            value,
            f"Brand [bold]{plain(made.tenant.name)}[/] ({made.tenant.id})",
            *(f"  {role:<13}{token}" for role, token in made.tokens.items()),
            f"  {'console':<13}{made.sign_in_url}",
        )
        shown.note("[dim]Keep the tokens now: only their hashes are stored. The console link works once.[/]")
