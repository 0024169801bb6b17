/**
 * A picture's bytes as the page itself may have them: the original file where its host allows that, else what a canvas
 * exports. Null where the browser forbids both; then only a capture of the tab shows it.
 */
(() => {
  const own = (globalThis.telltale ??= {});
  if (own.pixels) return;

  const MOST_BYTES = 40 * 2 ** 20; // a message to the extension may hold 64 MB, and base64 adds a third

  /** @param {Blob} blob @returns {Promise<Piece>} */
  async function piece(blob) {
    const reader = new FileReader();
    const url = await new Promise((done, fail) => {
      reader.onload = () => done(String(reader.result));
      reader.onerror = () => fail(reader.error);
      reader.readAsDataURL(blob);
    });
    return { data: url.slice(url.indexOf(",") + 1), type: blob.type };
  }

  /** @param {string} url */
  function reachable(url) {
    try {
      return /^(blob|data):/.test(url) || /^https?:/.test(url);
    } catch {
      return false;
    }
  }

  /** The file itself, as the page could fetch it. @param {number} id @returns {Promise<Piece | null>} */
  async function bytes(id) {
    for (const url of own.find?.entry(id)?.urls ?? []) {
      if (!reachable(url)) continue;
      try {
        const answer = await fetch(url, { cache: "force-cache", signal: AbortSignal.timeout(8000) });
        const blob = await answer.blob();
        if (answer.ok && blob.type.startsWith("image/") && blob.size <= MOST_BYTES) return await piece(blob);
      } catch {
        // revoked, no CORS, or the page's policy forbids it
      }
    }
    return null;
  }

  /** What a canvas exports, at most `side` px. @param {number} id @param {number} side @returns {Promise<Piece | null>} */
  async function drawn(id, side) {
    try {
      const source = await /** @type {any} */ (own.find).source(id, 3000);
      const any = /** @type {any} */ (source);
      const width = any.videoWidth || any.naturalWidth || any.width;
      const height = any.videoHeight || any.naturalHeight || any.height;
      const scale = Math.min(1, side / Math.max(width, height));
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
      const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      pen.imageSmoothingQuality = "high";
      pen.drawImage(source, 0, 0, canvas.width, canvas.height);
      const blob = await new Promise((/** @type {(blob: Blob | null) => void} */ done) => canvas.toBlob(done, "image/png"));
      return blob && (await piece(blob));
    } catch {
      return null;
    }
  }

  own.pixels = { bytes, drawn };
})();
