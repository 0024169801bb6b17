"""The exact look-up at scale, beside faiss' exact indexes: `python -m benchmarks.lookup_scale`.

Codes are random, 256 bits, eight to an asset, as eight orientations are. Half of the questions lie 0 to 31 bits from a
held code, half are strangers. Speeds are CPU seconds of one thread in batches of 300, restarts are wall time of a new
process from its start to its first answer, and recall is counted against comparing every code with NumPy.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import httpx
import numpy as np
import sqlalchemy as sa
import uvicorn

from benchmarks.report import Report, run
from service import runtime
from service.app import create_app
from service.assets.models import Asset
from service.cli.listening import listen
from service.db import Database
from service.identity.roles import Role
from service.jobs.pool import PixelPool
from service.lookups.engines.embedded import EmbeddedEngine
from service.lookups.engines.pgvector import PgvectorEngine
from service.lookups.engines.port import LookupEngine, Shelf
from service.lookups.engines.postgres import PostgresEngine
from service.lookups.models import Fingerprint
from service.migrations.upgrade import upgrade
from service.settings import Settings
from service.tenants.models import Tenant
from service.tenants.service import create

PAGE = 300
RADIUS = 31
PER_ASSET = 8
CHUNK = 80_000
RESTART = """
import sys
from pathlib import Path
from service.db import Database
from service.lookups.engines.embedded import EmbeddedEngine
from service.lookups.engines.port import Shelf
engine = EmbeddedEngine(Database(sys.argv[1]), Path(sys.argv[2]))
engine.refresh()
assert engine.search(Shelf(sys.argv[3], "pdq"), [bytes.fromhex(sys.argv[4])], radius=31, limit=1)[0]
print("answered", flush=True)
"""

Answers = list[set[int]]
Found = Callable[[np.ndarray], Answers]


def asset_id(number: int) -> str:
    """Name an asset as the service does."""
    return f"ast_{number:032x}"


def held_codes(count: int) -> np.ndarray:
    """Random codes (n × 32 bytes)."""
    return np.random.default_rng(1).integers(0, 256, (count, 32), np.uint8)


def questions(codes: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Every other one near a held code, the others strangers."""
    rng = np.random.default_rng(seed)
    asked = rng.integers(0, 256, (count, 32), np.uint8)
    for place in range(0, count, 2):
        bits = np.unpackbits(codes[rng.integers(len(codes))])
        bits[rng.choice(256, rng.integers(0, RADIUS + 1), replace=False)] ^= 1
        asked[place] = np.packbits(bits)
    return asked


def by_counting(codes: np.ndarray, asked: np.ndarray) -> Answers:
    """The assets within the radius, by comparing every code."""
    words, answers = codes.view(np.uint64), list[set[int]]()
    for query in asked.view(np.uint64):
        distances = sum(np.bitwise_count(words[:, word] ^ query[word]).astype(np.uint16) for word in range(4))
        answers.append({int(row) // PER_ASSET for row in np.flatnonzero(np.asarray(distances) <= RADIUS)})
    return answers


def by_engine(engine: LookupEngine, shelf: Shelf) -> Found:
    """Ask one of our engines."""

    def found(asked: np.ndarray) -> Answers:
        batch = engine.search(shelf, [row.tobytes() for row in asked], radius=RADIUS, limit=100)
        return [{int(hit.asset_id[4:], 16) for hit in hits} for hits in batch]

    return found


def by_faiss(index: object) -> Found:
    """Ask a binary index of faiss; its radius excludes its bound."""

    def found(asked: np.ndarray) -> Answers:
        limits, _, rows = index.range_search(asked, RADIUS + 1)  # type: ignore[attr-defined]
        return [{int(row) // PER_ASSET for row in rows[start:end]} for start, end in pairwise(limits)]

    return found


def recall(found: Answers, true: Answers) -> float:
    """The share of true matches found; anything found that is no match counts against it."""
    hits = sum(len(one & other) for one, other in zip(found, true, strict=True))
    return hits / max(1, sum(map(len, true)) + sum(len(one - other) for one, other in zip(found, true, strict=True)))


def per_second(found: Found, asked: np.ndarray) -> float:
    """Look-ups per CPU second, in batches of a page; the first is not counted."""
    found(asked[:PAGE])
    start = time.process_time()
    for place in range(0, len(asked), PAGE):
        found(asked[place : place + PAGE])
    return len(asked) / (time.process_time() - start)


def fill(database: Database, tenant_id: str, codes: np.ndarray) -> None:
    """Insert assets and their codes."""
    for start in range(0, len(codes), CHUNK):
        part = range(start, min(start + CHUNK, len(codes)))
        with database.writing() as session:
            shared = {"tenant_id": tenant_id, "title": "x", "state": "ready", "progress": 1.0, "size_bytes": 1}
            shared |= {"sha256": "", "data_key": b"", "mark_key": b"", "last_serial": 0, "created_by": "benchmark"}
            numbers = range(part.start // PER_ASSET, -(-part.stop // PER_ASSET))
            session.execute(sa.insert(Asset), [{**shared, "id": asset_id(number)} for number in numbers])
            session.connection().execute(
                sa.insert(Fingerprint),
                [
                    {
                        "tenant_id": tenant_id,
                        "asset_id": asset_id(row // PER_ASSET),
                        "kind": "pdq",
                        "orientation": row % PER_ASSET,
                        "code": codes[row].tobytes(),
                        "quality": 100,
                    }
                    for row in part
                ],
            )


def embedded(report: Report, codes: np.ndarray, folder: Path, chosen: argparse.Namespace) -> None:
    """Measure the default engine, and at a million codes the service around it."""
    name = size_name(len(codes))
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        data_dir=folder,
        jobs_url="memory://",
        rate_limit="1000000/minute",
        lookup_limit="1000000000/minute",
    )
    with runtime.offline(settings) as context, context.database.writing() as session:
        brand = create(session, context=context, name="Benchmark")
    database = Database(settings.database_url)
    fill(database, brand.tenant.id, codes)
    shelf, mapped = Shelf(brand.tenant.id, "pdq"), folder / "lookups"
    start = time.perf_counter()
    EmbeddedEngine(database, mapped).refresh()
    report.add(f"ours, {name}: first start, from the database alone", time.perf_counter() - start, "s")
    engine = EmbeddedEngine(database, mapped, threads=1)
    engine.refresh()
    asked = questions(codes, chosen.questions, 2)
    found, target = by_engine(engine, shelf), 5000 if len(codes) <= 10**6 else 800
    report.add(f"ours, {name}: look-ups per second and core", per_second(found, asked), "1/s", at_least=target)
    checked = asked[: chosen.checked]
    share = recall(found(checked), by_counting(codes, checked))
    report.add(f"ours, {name}: recall within 31 bits", share, "", at_least=1.0, trials=len(checked))
    report.add(f"ours, {name}: memory", engine.nbytes / len(codes), "bytes a hash", at_most=100)
    engine.close()
    times = [restart_s(settings.database_url, mapped, shelf.tenant_id, codes[0]) for _ in range(3)]
    report.add(f"ours, {name}: restart to first answer", float(np.median(times)), "s", at_most=10, trials=3)
    if len(codes) <= 10**6:
        spent = time.process_time()
        took = page_ms(settings, brand.tokens[Role.FLAGGER], asked, chosen.pages)
        spent = (time.process_time() - spent) / len(took) * 1e3
        report.add(
            f"service, {name}: {PAGE} hashes over HTTP, median", float(np.median(took)), "ms", at_most=150,
            trials=len(took),
        )  # fmt: skip
        report.add(f"service, {name}: {PAGE} hashes over HTTP, 95 %", float(np.percentile(took, 95)), "ms")
        report.add(f"service, {name}: the same, client and start included", spent, "CPU ms")
    database.close()


def restart_s(url: str, folder: Path, tenant_id: str, code: np.ndarray) -> float:
    """Wall time of a new process from its start to its first answer."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", RESTART, url, str(folder), tenant_id, code.tobytes().hex()],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - start


def page_ms(settings: Settings, token: str, asked: np.ndarray, pages: int) -> list[float]:
    """Wall time of each of many pages' look-ups through a real server on this machine."""
    hashes = [{"pdq": row.tobytes().hex(), "quality": 100} for row in asked]
    took = []
    with served(settings) as url, httpx.Client(base_url=url, timeout=60) as client:
        for number in range(pages + 3):
            start = number * PAGE % (len(hashes) - PAGE + 1)
            page = {"hashes": hashes[start : start + PAGE]}
            begun = time.perf_counter()
            answer = client.post("/v1/lookup", json=page, headers={"Authorization": f"Bearer {token}"})
            took.append((time.perf_counter() - begun) * 1e3)
            results = [item["result"] for item in answer.raise_for_status().json()["results"]]
            if results.count("ours") < PAGE // 2 or len(results) != PAGE:
                raise RuntimeError("the service did not find what it holds")
    return took[3:]


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """Serve the application from a thread on a free port, with its worker for pictures up and idle."""
    pool = PixelPool(workers=1, memory_bytes=settings.worker_memory_bytes, timeout_s=settings.worker_timeout_s)
    pool.run(os.getpid)
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_app(settings, pool=pool), log_level="warning", access_log=False))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        pool.close()


def faiss_rows(report: Report, codes: np.ndarray, chosen: argparse.Namespace) -> None:
    """Measure faiss' exact binary indexes on the same codes and questions."""
    try:
        import faiss
    except ImportError:
        report.notes.append("faiss is not installed: pip install 'telltale[bench]' measures it beside ours.")
        return
    faiss.omp_set_num_threads(1)
    name, asked = size_name(len(codes)), questions(codes, PAGE * 2, 2)
    flat, hashed = faiss.IndexBinaryFlat(256), faiss.IndexBinaryMultiHash(256, 16, 16)
    hashed.nflip = 1
    for label, index in (("IndexBinaryFlat", flat), ("IndexBinaryMultiHash 16×16, 1 flip", hashed)):
        start = time.process_time()
        index.add(codes)
        report.add(f"faiss {label}, {name}: building", time.process_time() - start, "CPU s")
        report.add(f"faiss {label}, {name}: look-ups per second and core", per_second(by_faiss(index), asked), "1/s")
        checked = asked[: chosen.checked]
        share = recall(by_faiss(index)(checked), by_counting(codes, checked))
        report.add(f"faiss {label}, {name}: recall within 31 bits", share, "", trials=len(checked))


def postgres_rows(report: Report, url: str, make: type[PostgresEngine], count: int, label: str) -> None:
    """Measure an engine in an empty database that the caller names."""
    database = Database(url)
    try:
        upgrade(database)
        codes, tenant_id = held_codes(count), "brd_benchmark"
        with database.writing() as session:
            session.add(Tenant(id=tenant_id, name="Benchmark", wrapped_key=b""))
        fill(database, tenant_id, codes)
        engine, shelf = make(database), Shelf(tenant_id, "pdq")
        start = time.perf_counter()
        engine.refresh()
        report.add(f"{label}, {size_name(count)}: making the index", time.perf_counter() - start, "s")
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE fingerprints"))
        asked, found = questions(codes, 60, 2), by_engine(engine, shelf)
        found(asked[:20])
        start = time.perf_counter()
        answers = found(asked)
        report.add(f"{label}, {size_name(count)}: a look-up", (time.perf_counter() - start) / 60 * 1e3, "ms", trials=60)
        share = recall(answers, by_counting(codes, asked))
        exact = 1.0 if make is PostgresEngine else None
        report.add(f"{label}, {size_name(count)}: recall within 31 bits", share, "", at_least=exact, trials=60)
    finally:
        database.close()


def size_name(count: int) -> str:
    """Say how many hashes, as 1e6."""
    power = int(np.log10(count))
    return f"{count / 10**power:g}e{power}"


def measure(chosen: argparse.Namespace, report: Report) -> None:
    """Measure every size, and every engine that is at hand."""
    sizes = [int(float(size)) for size in (chosen.sizes or ("1e6" if chosen.quick else "1e6,1e7")).split(",")]
    chosen.questions, chosen.pages = (3000, 20) if chosen.quick else (6000, 60)
    chosen.checked = 60 if chosen.quick else 200
    for size in sizes:
        codes = held_codes(size)
        with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
            embedded(report, codes, Path(folder), chosen)
        if not chosen.no_faiss:
            faiss_rows(report, codes[:100_000] if chosen.quick else codes, chosen)
    rows = 20_000 if chosen.quick else 10**6
    if chosen.postgres:
        postgres_rows(report, chosen.postgres, PostgresEngine, rows, "PostgreSQL, banded terms under GIN")
    if chosen.pgvector:
        postgres_rows(report, chosen.pgvector, PgvectorEngine, min(2 * rows, 100_000), "pgvector, HNSW")
    if not chosen.postgres:
        report.notes.append("PostgreSQL is measured in empty databases that --postgres and --pgvector name.")


def options(parser: argparse.ArgumentParser) -> None:
    """Add what this benchmark may be told."""
    parser.add_argument("--sizes", help="how many hashes, separated by commas; by default 1e6 and 1e7, quick 1e6")
    parser.add_argument("--folder", type=Path, help="where to put the databases; 1e7 hashes need 5 GB")
    parser.add_argument("--postgres", metavar="URL", help="an empty PostgreSQL database, postgresql+psycopg://…")
    parser.add_argument("--pgvector", metavar="URL", help="an empty PostgreSQL database with pgvector")
    parser.add_argument("--no-faiss", action="store_true", help="leave faiss out")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and report; returns 1 when a promise is broken."""
    return run("lookup_scale", measure, argv, options, description=__doc__)


if __name__ == "__main__":
    sys.exit(main())
