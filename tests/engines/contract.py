"""What every look-up engine must do, whatever it is made of: equal a brute-force count of bits over the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import sqlalchemy as sa

from service.db import Database
from service.lookups.engines.port import Hit, LookupEngine, Shelf
from service.lookups.models import Fingerprint, Removal
from service.tenants.models import Tenant

ONE, TWO = Shelf("brd_one", "pdq"), Shelf("brd_two", "pdq")
SHORT = Shelf("brd_one", "phash")


def flipped(code: bytes, bits: int, seed: int = 0) -> bytes:
    """Return a code at exactly this distance."""
    array = np.unpackbits(np.frombuffer(code, np.uint8))
    array[np.random.default_rng([seed, bits]).choice(array.size, bits, replace=False)] ^= 1
    return np.packbits(array).tobytes()


@dataclass
class Rig:
    """An engine over a database, and beside it a list that is searched by counting."""

    database: Database
    open: Callable[[], LookupEngine]
    engine: LookupEngine = field(init=False)
    rows: list[tuple[Shelf, str, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        with self.database.writing() as session:
            session.add_all(Tenant(id=name, name=name, wrapped_key=b"") for name in (ONE.tenant_id, TWO.tenant_id))
        self.engine = self.open()
        self.engine.refresh()

    def add(self, shelf: Shelf, rows: Sequence[tuple[str, bytes]]) -> None:
        """Commit codes, and have the engine notice."""
        with self.database.writing() as session:
            session.execute(
                sa.insert(Fingerprint),
                [
                    {
                        "tenant_id": shelf.tenant_id,
                        "kind": shelf.kind,
                        "asset_id": asset_id,
                        "orientation": 0,
                        "code": code,
                        "quality": 100,
                    }
                    for asset_id, code in rows
                ],
            )
        self.rows += [(shelf, asset_id, code) for asset_id, code in rows]
        self.engine.refresh()

    def remove(self, asset_id: str, shelf: Shelf = ONE) -> None:
        """Delete an asset's codes as the service does, and have the engine notice."""
        with self.database.writing() as session:
            session.execute(sa.delete(Fingerprint).where(Fingerprint.asset_id == asset_id))
            session.add(Removal(tenant_id=shelf.tenant_id, asset_id=asset_id))
        self.rows = [row for row in self.rows if row[1] != asset_id]
        self.engine.refresh()

    def expected(self, shelf: Shelf, code: bytes, radius: int, limit: int) -> list[Hit]:
        """Search by counting bits."""
        best: dict[str, int] = {}
        held = [row for row in self.rows if row[0] == shelf and len(row[2]) == len(code)]
        if held:
            codes = np.frombuffer(b"".join(row[2] for row in held), np.uint8).reshape(len(held), -1)
            distances = np.bitwise_count(codes ^ np.frombuffer(code, np.uint8)).sum(axis=1, dtype=int)
            for place in np.flatnonzero(distances <= radius):
                best[held[place][1]] = min(int(distances[place]), best.get(held[place][1], 999))
        ranked = sorted(best.items(), key=lambda item: (item[1], item[0]))
        return [Hit(asset_id, distance) for asset_id, distance in ranked[:limit]]

    def agrees(self, shelf: Shelf, codes: Sequence[bytes], *radii: int, limit: int = 100_000) -> int:
        """Assert that the engine equals the count for these codes; returns how many hits there were."""
        total = 0
        for radius in radii:
            found = self.engine.search(shelf, codes, radius=radius, limit=limit)
            assert len(found) == len(codes)
            for code, hits in zip(codes, found, strict=True):
                assert hits == self.expected(shelf, code, radius, limit), (radius, code.hex())
            total += sum(map(len, found))
        return total


class EngineContract:
    """Derive from this, with a fixture ``rig``."""

    def test_random_codes_are_found_exactly_within_the_radius(self, rig: Rig) -> None:
        rng = np.random.default_rng(1)
        codes = [rng.bytes(32) for _ in range(600)]
        rig.add(ONE, [(f"ast_{number // 3:04}", code) for number, code in enumerate(codes)])
        near = [flipped(codes[number], number % 72, number) for number in range(0, 600, 7)]
        assert rig.agrees(ONE, [*near, *(rng.bytes(32) for _ in range(20))], 0, 12, 31, 70, 110) > 200

    def test_the_radius_is_a_sharp_edge(self, rig: Rig) -> None:
        rng = np.random.default_rng(2)
        centre = rng.bytes(32)
        bits = (0, 1, 2, 30, 31, 32, 33, 69, 70, 71)
        rig.add(ONE, [(f"ast_{count:03}_{seed}", flipped(centre, count, seed)) for count in bits for seed in range(30)])
        for radius in (0, 1, 30, 31, 32, 70):
            hits = rig.engine.search(ONE, [centre], radius=radius, limit=10_000)[0]
            assert len(hits) == 30 * sum(count <= radius for count in bits)
            assert max(hit.distance for hit in hits) <= radius
        rig.agrees(ONE, [centre, flipped(centre, 5)], *range(34), 70)

    def test_bits_differing_in_every_band_are_still_found(self, rig: Rig) -> None:
        """The worst case of any banding: the difference is spread as evenly as it can be."""
        rng = np.random.default_rng(3)
        codes = [rng.bytes(32) for _ in range(64)]
        rig.add(ONE, [(f"ast_{number:02}", code) for number, code in enumerate(codes)])
        queries = []
        for number, code in enumerate(codes):
            array = np.unpackbits(np.frombuffer(code, np.uint8))
            array[(np.arange(31 + number % 2) * 256 // 32 + number) % 256] ^= 1
            queries.append(np.packbits(array).tobytes())
        assert rig.agrees(ONE, queries, 31, 32) >= 32 + 64

    def test_short_codes_are_found_exactly_too(self, rig: Rig) -> None:
        rng = np.random.default_rng(4)
        codes = [rng.bytes(8) for _ in range(500)]
        rig.add(SHORT, [(f"ast_{number:03}", code) for number, code in enumerate(codes)])
        queries = [flipped(codes[number], number % 13, number) for number in range(0, 500, 9)]
        assert rig.agrees(SHORT, queries, 0, 4, 10, 11, 12, 24) > 100

    def test_thousands_of_equal_codes_are_one_question_each(self, rig: Rig) -> None:
        rng = np.random.default_rng(5)
        flat, full, other = bytes(32), b"\xff" * 32, rng.bytes(32)
        rig.add(ONE, [(f"ast_{number:05}", flat) for number in range(3000)])
        rig.add(ONE, [("ast_video", full)] * 2000 + [("ast_video", other)])
        rig.add(ONE, [(f"ast_n{number:04}", flipped(flat, number % 40, number)) for number in range(1000)])
        queries = [flat, full, other, flipped(flat, 3), flipped(full, 31), flipped(full, 32), flipped(flat, 31)]
        assert rig.agrees(ONE, queries, 0, 31, 70) > 3000
        assert rig.agrees(ONE, queries, 31, limit=5) <= 5 * len(queries)
        assert rig.engine.search(ONE, [full], radius=31, limit=5) == [[Hit("ast_video", 0)]]

    def test_crowded_buckets_hide_nothing(self, rig: Rig) -> None:
        """Different codes that agree in long runs of bits, as flat pictures' do."""
        rng = np.random.default_rng(6)
        rows = []
        for number in range(1500):
            code = bytearray(32)
            code[number % 32] = 1 + number % 255
            code[(number * 7) % 32] = rng.integers(256)
            rows.append((f"ast_{number:04}", bytes(code)))
        rig.add(ONE, rows)
        assert rig.agrees(ONE, [bytes(32), rows[5][1], flipped(rows[9][1], 31), rng.bytes(32)], 2, 8, 31, 70) > 1500

    def test_removed_assets_are_gone_and_may_come_back(self, rig: Rig) -> None:
        rng = np.random.default_rng(7)
        codes = [rng.bytes(32) for _ in range(40)]
        rows = [(f"ast_{number % 10}", code) for number, code in enumerate(codes)]
        rig.add(ONE, rows)
        rig.remove("ast_3")
        assert rig.engine.search(ONE, [codes[3]], radius=0, limit=9) == [[]]
        rig.agrees(ONE, codes, 31)
        rig.add(ONE, [("ast_3", codes[3])])
        assert rig.engine.search(ONE, [codes[3], codes[13]], radius=0, limit=9) == [[Hit("ast_3", 0)], []]
        rig.remove("ast_3")
        rig.remove("ast_never")
        rig.add(ONE, [("ast_3", codes[13]), ("ast_3", codes[13])])
        rig.agrees(ONE, codes, 0, 31)

    def test_shelves_are_apart(self, rig: Rig) -> None:
        code = np.random.default_rng(8).bytes(32)
        rig.add(ONE, [("ast_one", code)])
        rig.add(TWO, [("ast_two", flipped(code, 1))])
        rig.add(SHORT, [("ast_one", code[:8])])
        assert rig.engine.search(ONE, [code], radius=256, limit=9) == [[Hit("ast_one", 0)]]
        assert rig.engine.search(TWO, [code], radius=256, limit=9) == [[Hit("ast_two", 1)]]
        assert rig.engine.search(Shelf("brd_none", "pdq"), [code], radius=256, limit=9) == [[]]
        assert (rig.engine.count(ONE), rig.engine.count(TWO), rig.engine.count(Shelf("brd_none", "pdq"))) == (1, 1, 0)

    def test_a_batch_is_answered_in_order_whatever_is_in_it(self, rig: Rig) -> None:
        rng = np.random.default_rng(9)
        codes = [rng.bytes(32) for _ in range(100)]
        rig.add(ONE, [(f"ast_{number:03}", code) for number, code in enumerate(codes)])
        batch = [codes[0], b"", rng.bytes(32), codes[0], bytes(8), codes[99]] + codes * 4
        found = rig.engine.search(ONE, batch, radius=31, limit=3)
        assert [hits[0].asset_id if hits else None for hits in found[:6]] == [
            "ast_000", None, None, "ast_000", None, "ast_099",
        ]  # fmt: skip
        assert [hits[0].asset_id for hits in found[6:]] == [f"ast_{number:03}" for number in range(100)] * 4
        assert rig.engine.search(ONE, [], radius=31, limit=3) == []

    def test_the_nearest_come_first_and_ties_by_name(self, rig: Rig) -> None:
        code = np.random.default_rng(10).bytes(32)
        rig.add(ONE, [("ast_c", code), ("ast_b", flipped(code, 2)), ("ast_a", flipped(code, 2)), ("ast_b", code)])
        assert rig.engine.search(ONE, [code], radius=31, limit=9)[0] == [
            Hit("ast_b", 0), Hit("ast_c", 0), Hit("ast_a", 2),
        ]  # fmt: skip
        assert rig.engine.search(ONE, [code], radius=31, limit=1)[0] == [Hit("ast_b", 0)]

    def test_adding_removing_and_asking_in_any_order_equals_the_table(self, rig: Rig) -> None:
        rng = np.random.default_rng(11)
        pool = [bytes(32), b"\xff" * 32] + [rng.bytes(32) for _ in range(30)]
        pool += [flipped(pool[number % 32], int(rng.integers(1, 40)), number) for number in range(60)]
        for step in range(40):
            names = [f"ast_{number}" for number in rng.integers(0, 12, 3)]
            if step % 3 == 2:
                rig.remove(names[0])
            else:
                rig.add(ONE, [(name, pool[number]) for name in names for number in rng.integers(0, len(pool), 9)])
            rig.agrees(ONE, [pool[number] for number in rng.integers(0, len(pool), 12)], 31, 40, limit=7)

    def test_another_process_sees_the_same(self, rig: Rig) -> None:
        rng = np.random.default_rng(12)
        codes = [rng.bytes(32) for _ in range(50)]
        rig.add(ONE, [(f"ast_{number % 5}", code) for number, code in enumerate(codes)])
        rig.remove("ast_1")
        other = rig.open()
        other.refresh()
        rig.add(ONE, [("ast_9", codes[1])])
        other.refresh()
        assert other.search(ONE, codes, radius=31, limit=9) == rig.engine.search(ONE, codes, radius=31, limit=9)
        assert other.count(ONE) == rig.engine.count(ONE) == 41
        other.close()

    def test_every_shelf_is_searched_at_least_as_far_as_hashes_decide(self, rig: Rig) -> None:
        rig.add(ONE, [("ast_a", bytes(32))])
        assert rig.engine.reach(ONE) >= 31
        assert rig.engine.reach(SHORT) >= 4
