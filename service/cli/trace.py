"""``telltale trace``: which copy a found picture shows, straight on a data directory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.panel import Panel

from service.assets import service as assets
from service.cli.brands import Brand, NoSuchBrand, all_brands, choose
from service.cli.installation import read_file, require_installation, settings_for, watched
from service.cli.options import AsJson, DataDir, Debug
from service.cli.terminal import Terminal, plain, probability, terminal
from service.context import Context
from service.errors import NotFound, ServiceError
from service.lookups import pixels
from service.lookups.service import recognise
from service.pages import Window
from service.runtime import offline
from service.sightings import service as sightings
from service.sightings.models import Outcome, SightingState
from service.sightings.schemas import SightingOut
from service.sightings.showing import show
from service.videos.content import Kind, kind_of
from service.videos.tracing import recognise_clip

_RANK = {Outcome.COPY_NAMED: 0, Outcome.INCONCLUSIVE: 1, Outcome.NOT_OURS: 2}
_HEADLINES = {Outcome.INCONCLUSIVE: "Inconclusive: no copy is named.", Outcome.NOT_OURS: "Not ours."}


class NoAssets(NotFound):
    """There are no pictures here to compare with."""

    hint = "Protect one first: telltale protect FILE --recipients CSV --out DIR"


class NotTraced(ServiceError):
    """This file cannot be traced."""


def trace(
    leak: Annotated[
        Path,
        typer.Argument(help="The picture or clip as found: a file, a screenshot, a recording.", show_default=False),
    ],
    brand: Annotated[str | None, typer.Option(help="Look among this brand's pictures only (id or name).")] = None,
    asset: Annotated[
        str | None, typer.Option(help="Trace against this asset, whether it is recognised or not.")
    ] = None,
    page_url: Annotated[str | None, typer.Option(help="Where it was found, for the record.")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    debug: Debug = False,
) -> None:
    """Say which copy a found picture shows, or why none can be named; needs no server.

    The exit status is 0 whenever there is an answer, also "not ours" and "inconclusive".
    """
    with terminal(as_json=as_json, debug=debug) as shown:
        settings = settings_for(data_dir)
        data = read_file(leak)
        require_installation(settings)
        with offline(settings) as context:
            answers = [
                (whose, _traced(shown, context, whose, data, leak.name, page_url=page_url, asset_id=asset))
                for whose in _whose(shown, context, data, leak.name, brand, asset)
            ]
        for _, answer in answers:
            if answer.state is SightingState.FAILED:
                raise NotTraced(answer.problem, hint=answer.hint)
        whose, best = min(answers, key=lambda pair: _RANK[pair[1].outcome or Outcome.NOT_OURS])
        value = {"brand": {"id": whose.id, "name": whose.name}, **best.model_dump(mode="json")}
        shown.result(value, *_told(best))


def _whose(
    shown: Terminal, context: Context, data: bytes, name: str, wanted: str | None, asset_id: str | None
) -> Sequence[Brand]:
    """Return the brands whose pictures it may show; where there are several, the look-up decides."""
    with context.database.reading() as session:
        brands = all_brands(session)
        if wanted is not None:
            brands = [brand for brand in [choose(brands, wanted)] if brand is not None]
    holding = [brand for brand in brands if _has_assets(context, brand, asset_id)]
    if not holding and asset_id is not None:
        raise assets.AssetNotFound
    if not holding:
        raise NoSuchBrand("There is no brand here yet.", hint=NoAssets.hint) if not brands else NoAssets()
    if len(holding) == 1:
        return holding
    with shown.err.status("Looking it up"):
        if kind_of(data, name) is Kind.VIDEO:
            matching = [brand for brand in holding if recognise_clip(context, tenant_id=brand.id, leak=data)[1]]
        else:
            found = context.pool.run(pixels.describe, data, context.settings.max_pixels)
            matching = [brand for brand in holding if recognise(context, tenant_id=brand.id, found=found)]
    return matching or holding[:1]


def _has_assets(context: Context, brand: Brand, asset_id: str | None) -> bool:
    with context.database.reading() as session:
        if asset_id is not None:
            return assets.get(session, principal=brand.operator, asset_id=asset_id) is not None
        return assets.list_(session, principal=brand.operator, window=Window(1, 0))[1] > 0


def _traced(
    shown: Terminal,
    context: Context,
    brand: Brand,
    data: bytes,
    name: str,
    *,
    page_url: str | None,
    asset_id: str | None,
) -> SightingOut:
    """Record the picture as a sighting of the brand and wait for the trace."""
    under_way: list[str] = []

    def work() -> str:
        with context.database.writing() as session:
            sighting = sightings.receive(
                session,
                context=context,
                principal=brand.operator,
                data=data,
                page_url=page_url,
                notes="traced from the command line",
                asset_id=asset_id,
                name=name,
            )
            under_way.append(sighting.id)
        return sighting.id

    def progress() -> float:
        if not under_way:
            return 0.0
        with context.database.reading() as session:
            found = sightings.list_(session, principal=brand.operator, window=Window(1))[0]
            return found[0].progress if found and found[0].id == under_way[0] else 0.0

    sighting_id = watched(shown, "Tracing", work, progress)
    with context.database.reading() as session:
        row = sightings.require(session, principal=brand.operator, sighting_id=sighting_id)
        return show(session, principal=brand.operator, sightings=[row])[0]


def _told(answer: SightingOut) -> Iterator[object]:
    """Say the verdict in words: a copy, never a person."""
    if answer.named:
        lines = [f"[bold]{plain(named.statement)}[/]" for named in answer.named]
        worst = max(named.log10_false_accusation for named in answer.named)
        lines.append(f"False-accusation probability: at most {probability(worst)}")
        yield Panel("\n".join(lines), title="copy named", title_align="left", border_style="green", expand=False)
        yield f"That its pixels are in the {answer.kind} does not say who published it. It may also be that:"
        yield from (f"  • {plain(other)}" for other in answer.alternatives or [])
    else:
        yield f"[bold]{_HEADLINES[answer.outcome or Outcome.NOT_OURS]}[/]"
        yield from (f"{plain(text)}" for text in (answer.reason, answer.hint) if text)
    if answer.asset_title is not None:
        yield f"[dim]Asset: {plain(answer.asset_title)} ({answer.asset_id})[/]"
    if answer.from_s is not None and answer.to_s is not None:
        yield f"[dim]Read at {answer.from_s:.1f} s to {answer.to_s:.1f} s of the video[/]"
    if answer.copies_tried:
        yield f"[dim]Compared with {answer.copies_tried} copies in {answer.looks} looks; sighting {answer.id}[/]"
