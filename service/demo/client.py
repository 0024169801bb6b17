"""The service's HTTP API as the demo uses it: one method per call, errors in the service's own words."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from service.demo.server import Server
from service.errors import ServiceError

SAMPLED = 3  # copies of a batch that are read back
_POLL_S, _PATIENCE_S, _DYING_S = 0.2, 180.0, 2.0
_ENDED = ("ready", "held", "done", "failed")
_ISSUED = ("released", "held")


class Refused(ServiceError):
    """The service refused a request of the demo."""


class TookTooLong(ServiceError):
    """The service did not finish in time."""


class Client:
    """Speaks to the service as the operator first, then as a brand with its three tokens."""

    def __init__(self, server: Server, operator: str) -> None:
        self._server = server
        self._http = httpx.Client(base_url=server.url, timeout=60)
        self._tokens = {"operator": operator}

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def create_brand(self, name: str) -> dict[str, Any]:
        """Create a brand and act for it from now on."""
        made = self._ask("POST", "/v1/brands", "operator", json={"name": name})
        self._tokens |= made["tokens"]
        return made

    def sign_in_url(self, brand_id: str) -> str:
        """Make a fresh one-time link to the console."""
        return str(self._ask("POST", f"/v1/brands/{brand_id}/sign-in-links", "operator")["sign_in_url"])

    def upload(self, data: bytes, *, name: str, title: str, progress: Callable[[float], None]) -> dict[str, Any]:
        """Upload an asset and wait until copies can be issued."""
        files = {"file": (name, data)}
        asset = self._ask("POST", "/v1/assets", "uploader", data={"title": title}, files=files)
        return self._settled(f"/v1/assets/{asset['id']}", "uploader", progress)

    def import_recipients(self, data: bytes) -> int:
        """Import a recipient list; returns how many were added."""
        files = {"file": ("recipients.csv", data)}
        return int(self._ask("POST", "/v1/recipients/import", "uploader", files=files)["added"])

    def issue(self, asset_id: str, *, progress: Callable[[float], None] = lambda _: None) -> list[dict[str, Any]]:
        """Issue a copy of an asset to every recipient, wait for their check; returns the copies by serial."""
        made = self._ask("POST", f"/v1/assets/{asset_id}/copies", "uploader", json={"recipients": "all"})
        if made["batch_id"]:
            path = f"/v1/copy-batches/{made['batch_id']}"
            batch = self._until(path, "uploader", _ISSUED, lambda body: progress(len(body["checked"]) / SAMPLED))
            if batch["state"] == "held":
                raise Refused(f"The copies are held: {batch['reason']}", hint="Tell the operator.")
        page = self._ask("GET", f"/v1/assets/{asset_id}/copies", "uploader", params={"limit": 1000})
        return list(page["items"])

    def download(self, copy: dict[str, Any]) -> bytes:
        """Download a copy."""
        return self._send("GET", copy["file"], "uploader").content

    def look_up(self, hashes: list[dict[str, object]]) -> list[dict[str, Any]]:
        """Look hashes up, as an uploader, who may know which asset it is."""
        return list(self._ask("POST", "/v1/lookup", "uploader", json={"hashes": hashes})["results"])

    def look_up_picture(self, data: bytes, *, name: str) -> dict[str, Any]:
        """Look a picture up by its hash and its local features."""
        return self._ask("POST", "/v1/lookup/image", "uploader", files={"file": (name, data)})

    def report(self, data: bytes, *, name: str, page_url: str, progress: Callable[[float], None]) -> dict[str, Any]:
        """Submit a found picture as a flagger, and wait for the verdict as an investigator."""
        form = {"page_url": page_url, "notes": "Submitted by the demo."}
        sighting = self._ask("POST", "/v1/sightings", "flagger", data=form, files={"picture": (name, data)})
        return self._settled(f"/v1/sightings/{sighting['id']}", "investigator", progress)

    def provenance(self, copy_id: str) -> list[dict[str, Any]]:
        """Fetch everything that happened to a copy, in order of time."""
        return list(self._ask("GET", "/v1/provenance", "investigator", params={"copy": copy_id})["items"])

    def _settled(self, path: str, role: str, progress: Callable[[float], None]) -> dict[str, Any]:
        return self._until(path, role, _ENDED, lambda body: progress(float(body["progress"])))

    def _until(
        self, path: str, role: str, states: tuple[str, ...], seen: Callable[[dict[str, Any]], None]
    ) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            body = self._ask("GET", path, role)
            seen(body)
            if body["state"] in states:
                return body
            time.sleep(_POLL_S)
        raise TookTooLong(f"{path} was not finished within {_PATIENCE_S:.0f} seconds.")

    def _ask(self, method: str, path: str, role: str, **request: Any) -> dict[str, Any]:
        body: dict[str, Any] = self._send(method, path, role, **request).json()
        return body

    def _send(self, method: str, path: str, role: str, **request: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._tokens[role]}"}
        try:
            answer = self._http.request(method, path, headers=headers, **request)
        except httpx.TransportError as error:
            if not self._server.running(within_s=_DYING_S):
                raise self._server.stopped() from error
            raise Refused(f"{method} {path}: {error}", hint="Is the machine out of memory?") from error
        if answer.is_error:
            problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
            message = problem.get("detail") or problem.get("title") or answer.reason_phrase
            raise Refused(f"{method} {path} was answered {answer.status_code}: {message}", hint=problem.get("hint"))
        return answer
