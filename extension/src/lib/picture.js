/**
 * Pictures inside the extension: decoded, shrunk as the service shrinks, hashed; all without a page or a network.
 */
import { pdq } from "./pdq.js";
import { shrink } from "./shrink.js";

const DECODED_SIDE = 1024; // px; what the browser's own shrinking hands over
const HASHED_SIDE = 512; // px; what the service shrinks to before it hashes

/** @typedef {{ pdq: string, quality: number }} Hash */

/**
 * Hash a picture's file.
 *
 * @param {Blob} blob
 * @returns {Promise<Hash & { width: number, height: number }>}
 */
export async function hashOf(blob) {
  const bitmap = await createImageBitmap(blob);
  try {
    return { width: bitmap.width, height: bitmap.height, ...hashOfBitmap(bitmap) };
  } finally {
    bitmap.close();
  }
}

/** @param {ImageBitmap} bitmap @returns {Hash} */
export function hashOfBitmap(bitmap) {
  const scale = Math.min(1, DECODED_SIDE / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const pen = canvasPen(width, height);
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, width, height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(bitmap, 0, 0, width, height);
  return pdq(shrink(pen.getImageData(0, 0, width, height), HASHED_SIDE));
}

/**
 * Cut a rectangle out of a capture; pixels of the capture.
 *
 * @param {ImageBitmap} shot
 * @param {{ x: number, y: number, width: number, height: number }} box
 */
export function cut(shot, { x, y, width, height }) {
  const pen = canvasPen(width, height);
  pen.drawImage(shot, -x, -y);
  return pen.getImageData(0, 0, width, height);
}

/**
 * @param {ImageBitmap} shot
 * @param {{ x: number, y: number, width: number, height: number }} box
 * @returns {Promise<Blob>} PNG.
 */
export function cutFile(shot, { x, y, width, height }) {
  const pen = canvasPen(width, height);
  pen.drawImage(shot, -x, -y);
  return pen.canvas.convertToBlob({ type: "image/png" });
}

/** @param {ImageBitmap} shot @param {number} [quality] @returns {Promise<Blob>} A JPEG of a whole capture. */
export function jpegOf(shot, quality = 0.9) {
  const pen = canvasPen(shot.width, shot.height);
  pen.drawImage(shot, 0, 0);
  return pen.canvas.convertToBlob({ type: "image/jpeg", quality });
}

/** @param {ImageData} pixels @returns {Promise<string>} A small JPEG as a data URL, for the panel's list. */
export async function thumbnail(pixels) {
  const pen = canvasPen(pixels.width, pixels.height);
  pen.putImageData(pixels, 0, 0);
  return dataUrl(await pen.canvas.convertToBlob({ type: "image/jpeg", quality: 0.8 }));
}

/** @param {Blob} blob */
export async function dataUrl(blob) {
  return `data:${blob.type};base64,${btoa(binary(new Uint8Array(await blob.arrayBuffer())))}`;
}

/** @param {Uint8Array} bytes */
function binary(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

/** @param {string} data Base64. @param {string} type @returns {Blob} Without `fetch`, which a policy may keep from data URLs. */
export function blobOf(data, type) {
  return new Blob([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], { type });
}

/** @param {Blob} blob @returns {Promise<string>} Hexadecimal digits. */
export async function sha256(blob) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {number} width @param {number} height */
export function canvasPen(width, height) {
  const canvas = new OffscreenCanvas(width, height);
  return /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
}
