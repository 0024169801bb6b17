"""``telltale protect``: one marked file per recipient, straight on a data directory."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from service.assets import service as assets
from service.assets.models import Asset, AssetState
from service.cli.brands import Brand, all_brands, choose
from service.cli.folder import Folder, Line, file_name
from service.cli.installation import read_file, settings_for, watched
from service.cli.options import AsJson, DataDir, Debug
from service.cli.terminal import Terminal, plain, terminal
from service.context import Context
from service.copies import service as copies
from service.copies.schemas import copy_name
from service.db import after_commit, scoped
from service.errors import ServiceError
from service.identity.roles import Principal
from service.pages import Window
from service.recipients import service as recipients_service
from service.recipients.csv_file import Row, alias_key, parse
from service.recipients.models import Recipient
from service.runtime import offline
from service.tenants import service as tenants
from service.videos import delivery
from service.videos.content import Kind
from watermark.encoding import suffix_of

_PAGE = 1000
FIRST_BRAND = "My brand"


class NotPrepared(ServiceError):
    """This file cannot be prepared."""


def protect(
    file: Annotated[Path, typer.Argument(help="JPEG, PNG, TIFF, WebP, AVIF; MP4, MOV, MKV, WebM.", show_default=False)],
    recipients: Annotated[
        Path, typer.Option("--recipients", help="CSV with the header 'alias' or 'alias,contact'.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for the marked files.", show_default=False)],
    title: Annotated[str | None, typer.Option(help="What you call it. Default: the file's name.")] = None,
    embargo: Annotated[datetime | None, typer.Option(help="When it may be public (UTC).")] = None,
    brand: Annotated[str | None, typer.Option(help="The brand's id or name; not needed where there is one.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there already.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    debug: Debug = False,
) -> None:
    """Write one invisibly marked copy per recipient, and a manifest; needs no server.

    Running it again changes nothing: the same recipient of the same picture or video keeps the same copy. A video whose
    preparation was cut off goes on with the segments that are missing.
    """
    with terminal(as_json=as_json, debug=debug) as shown:
        data, rows = read_file(file), parse(read_file(recipients))
        with offline(settings_for(data_dir)) as context:
            whose = _brand(shown, context, brand)
            asset = _prepared(
                shown,
                context,
                whose.operator,
                data,
                file.name,
                title or file.stem,
                embargo.replace(tzinfo=UTC) if embargo else None,
            )
            lines = _issued(shown, context, whose.operator, asset, rows)
            folder = Folder(out, _described(asset, whose))
            todo = folder.plan(lines, force=force)
            try:
                _written(shown, context, whose.operator, folder, todo)
            finally:
                listed = folder.finish()
        mine = {line.copy_id for line in lines}
        value = {
            "asset": folder.asset,
            "folder": str(out),
            "copies": len(lines),
            "written": len(todo),
            "kept": len(lines) - len(todo),
            "files": [vars(line) for line in listed if line.copy_id in mine],
        }
        kept = f", {len(lines) - len(todo)} were there already" if len(todo) < len(lines) else ""
        shown.result(
            value,
            f"[bold]{plain(asset.title)}[/] ({asset.id}): {len(lines)} copies for {len(lines)} recipients.",
            f"Wrote {len(todo)} files to {plain(str(out))}{kept}; manifest.csv says which is whose.",
        )


def _brand(shown: Terminal, context: Context, wanted: str | None) -> Brand:
    """Find whose picture it is; the very first command makes a brand to belong to."""
    with context.database.writing() as session:
        found = choose(all_brands(session), wanted)
        if found is None:
            made = tenants.create(session, context=context, name=FIRST_BRAND)
            found = Brand(made.tenant.id, made.tenant.name)
            shown.note(f"Made the brand “{found.name}”, because there was none. 'telltale sign-in' opens its console.")
        return found


def _prepared(
    shown: Terminal,
    context: Context,
    principal: Principal,
    data: bytes,
    name: str,
    title: str,
    embargo: datetime | None,
) -> Asset:
    """Return the ready asset of these bytes, preparing it unless that was done before."""
    digest = hashlib.sha256(data).hexdigest()
    under_way: list[str] = []

    def work() -> str:
        with context.database.writing() as session:
            query = scoped(session, Asset, principal).where(
                Asset.sha256 == digest, Asset.deleted_at.is_(None), Asset.state != AssetState.FAILED.value
            )
            asset = session.scalar(query.order_by(Asset.created_at).limit(1))
            if asset is None:
                asset = assets.receive(
                    session,
                    context=context,
                    principal=principal,
                    data=data,
                    title=title,
                    embargo_until=embargo,
                    name=name,
                )
            elif asset.state != AssetState.READY.value:
                asset_id = asset.id
                after_commit(session, lambda: context.jobs.submit(assets.preparing_of(asset), asset_id))
            under_way.append(asset.id)
        return under_way[0]

    def progress() -> float:
        with context.database.reading() as session:
            row = assets.get(session, principal=principal, asset_id=under_way[0]) if under_way else None
            return row.progress if row is not None else 0.0

    asset_id = watched(shown, "Preparing", work, progress)
    with context.database.reading() as session:
        asset = assets.require(session, principal=principal, asset_id=asset_id)
    if asset.state == AssetState.FAILED.value:
        raise NotPrepared(asset.problem, hint=asset.hint)
    if asset.state == AssetState.HELD.value:
        raise NotPrepared(asset.problem, hint=f"{asset.hint} Or release it knowingly in the console.")
    return asset


def _issued(shown: Terminal, context: Context, principal: Principal, asset: Asset, rows: Sequence[Row]) -> list[Line]:
    """Add the recipients who are new, give everybody in the list a copy, and return what to write, in order."""
    with context.database.writing() as session:
        known = _known(context, principal)
        if new := [row for row in rows if alias_key(row.alias) not in known]:
            recipients_service.import_csv(session, vault=context.vault, principal=principal, data=_csv(new))
    known = _known(context, principal)
    wanted = [known[alias_key(row.alias)] for row in rows]

    def work() -> None:
        with context.database.writing() as session:
            copies.issue(session, context=context, principal=principal, asset_id=asset.id, recipients=wanted)

    watched(shown, "Reading a sample back", work, lambda: 0.0)
    mine = set(wanted)
    suffix = "mp4" if asset.kind == Kind.VIDEO.value else suffix_of(asset.format or "JPEG")
    lines: list[Line] = []
    with context.database.reading() as session:
        offset, total = 0, 1
        while offset < total:
            page, total = copies.list_(session, principal=principal, asset_id=asset.id, window=Window(_PAGE, offset))
            offset += _PAGE
            for copy, alias, _ in page:
                if copy.recipient_id in mine:
                    name = file_name(copy.serial, alias or "", suffix)
                    lines.append(
                        Line(copy.id, copy_name(copy.serial), copy.serial, alias or "", copy.recipient_id or "", name)
                    )
    return lines


def _written(shown: Terminal, context: Context, principal: Principal, folder: Folder, lines: Sequence[Line]) -> None:
    """Render and write the files, as many at a time as there are workers."""

    def write(line: Line) -> None:
        file = delivery.file_of(context, principal=principal, copy_id=line.copy_id)
        folder.put(line, file.read(0, file.length))

    with ThreadPoolExecutor(context.pool.workers) as threads, shown.progress(counting=True) as bar:
        task = bar.add_task("Writing copies", total=len(lines))
        futures = [threads.submit(write, line) for line in lines]
        try:
            for future in as_completed(futures):
                future.result()
                bar.advance(task)
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise


def _known(context: Context, principal: Principal) -> dict[str, str]:
    with context.database.reading() as session:
        return {row.alias_key: row.id for row in session.scalars(scoped(session, Recipient, principal))}


def _csv(rows: Sequence[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["alias", "contact"])
    writer.writerows([row.alias, row.contact or ""] for row in rows)
    return text.getvalue().encode()


def _described(asset: Asset, brand: Brand) -> dict[str, object]:
    return {
        "id": asset.id,
        "title": asset.title,
        "brand": brand.name,
        "format": asset.format,
        "width": asset.width,
        "height": asset.height,
        "sha256": asset.sha256,
    }
