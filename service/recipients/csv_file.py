"""Reading of recipient lists: whatever a spreadsheet saves as CSV, judged row by row.

All or nothing: half an import is worse than none, because nobody knows which half. So every bad row is named with its
line, and the file is taken only when there is none.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from dataclasses import dataclass

from service.errors import Invalid

MAX_ROWS = 10_000
MAX_ALIAS = 200
MAX_CONTACT = 500
_MOST_ERRORS = 100


class BadRecipientFile(Invalid):
    """The list of recipients cannot be used."""

    hint = "Save the list as CSV (UTF-8) with the header 'alias' or 'alias,contact' and one recipient per line."


@dataclass(frozen=True)
class Row:
    """One recipient of a file."""

    line: int
    alias: str
    contact: str | None


@dataclass(frozen=True)
class RowError:
    """What is wrong with one line."""

    line: int
    problem: str


def alias_key(alias: str) -> str:
    """Fold an alias for comparison: composed, case-folded, single spaces.

    >>> alias_key(" Press  042 ") == alias_key("PRESS 042")
    True
    """
    return " ".join(unicodedata.normalize("NFKC", alias).casefold().split())


def problem_of(alias: str, contact: str | None) -> str | None:
    """Say what is wrong with one recipient, or None."""
    if not alias_key(alias):
        return "the alias is empty"
    if len(alias) > MAX_ALIAS or len(alias_key(alias)) > MAX_ALIAS:
        return f"the alias is longer than {MAX_ALIAS} characters"
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in alias + (contact or "")):
        return "a cell holds control characters or line breaks"
    if contact is not None and len(contact) > MAX_CONTACT:
        return f"the contact is longer than {MAX_CONTACT} characters"
    return None


def parse(data: bytes) -> list[Row]:
    """Read a recipient list.

    Parameters
    ----------
    data : bytes
        CSV in UTF-8 with or without a byte-order mark, separated by comma, semicolon or tab, with a header line
        ``alias`` or ``alias,contact`` (in either order).

    Raises
    ------
    BadRecipientFile
        With ``errors`` naming each bad line, at most a hundred of them.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRecipientFile("The file is not UTF-8 text.") from error
    if "\0" in text:
        raise BadRecipientFile("The file is not text.")
    if not text.strip():
        raise BadRecipientFile("The file is empty.")
    header = text.lstrip().splitlines()[0]
    delimiter = max(",;\t", key=header.count) if any(c in header for c in ",;\t") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    errors: list[RowError] = []
    columns: list[str] | None = None
    seen: dict[str, int] = {}
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                columns = _columns(cells)
                continue
            row, problem = _row(reader.line_num, cells, columns)
            key = alias_key(row.alias)
            if problem is None and key in seen:
                problem = f"the alias is the same as on line {seen[key]}"
            if problem is not None:
                errors.append(RowError(row.line, problem))
                continue
            seen[key] = row.line
            rows.append(row)
            if len(rows) > MAX_ROWS:
                raise BadRecipientFile(
                    f"The file has more than {MAX_ROWS:,} recipients.", hint="Split it into several files."
                )
    except csv.Error as error:
        errors.append(RowError(reader.line_num, f"the line cannot be read ({error})"))
    refuse(errors)
    if not rows:
        raise BadRecipientFile("The file has a header but no recipients.")
    return rows


def refuse(errors: list[RowError]) -> None:
    """Raise :class:`BadRecipientFile` naming every bad line, if there is any."""
    if not errors:
        return
    first = "; ".join(f"line {error.line}: {error.problem}" for error in errors[:3])
    more = f"; and {len(errors) - 3} more" if len(errors) > 3 else ""
    raise BadRecipientFile(
        f"{len(errors)} {'lines' if len(errors) > 1 else 'line'} cannot be used: {first}{more}.",
        hint="Correct these lines and send the whole file again; nothing was added.",
        errors=[{"line": error.line, "problem": error.problem} for error in errors[:_MOST_ERRORS]],
    )


def _columns(cells: list[str]) -> list[str]:
    columns = [cell.strip().casefold() for cell in cells]
    if "alias" not in columns:
        raise BadRecipientFile("The first line must be a header with a column 'alias'.")
    if len(set(columns)) != len(columns) or not set(columns) <= {"alias", "contact", ""}:
        raise BadRecipientFile("The header may hold the columns 'alias' and 'contact', each once, and no others.")
    return columns


def _row(line: int, cells: list[str], columns: list[str]) -> tuple[Row, str | None]:
    by_name = dict(zip(columns, (cell.strip() for cell in cells), strict=False))
    row = Row(line, by_name.get("alias", ""), by_name.get("contact") or None)
    if len(cells) > len(columns):
        return row, f"there are {len(cells)} cells where the header has {len(columns)}"
    return row, problem_of(row.alias, row.contact)
