"""Two hundred recipients that could be real and are not."""

from __future__ import annotations

import csv
import io

KINDS = (
    *("Press desk", "Stylist", "Retail partner", "Print shop", "Photo lab"),
    *("Showroom", "Creator", "PR agency", "Buyer", "Magazine"),
)
CITIES = (
    *("Lisbon", "Osaka", "Milan", "Nairobi", "Oslo", "Montréal", "Seoul", "Bogotá", "Antwerp", "Dublin"),
    *("Zürich", "Mumbai", "Athens", "Chicago", "Kraków", "Accra", "Porto", "Hanoi", "Bergen", "Lyon"),
)


def recipients_csv() -> bytes:
    """Return a list of 200 recipients as a spreadsheet would save it: an alias and an invented contact each."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["alias", "contact"])
    for number, (kind, city) in enumerate(((kind, city) for city in CITIES for kind in KINDS), start=1):
        writer.writerow([f"{kind} {city}", f"recipient-{number:03d}@example.org"])
    return text.getvalue().encode()
