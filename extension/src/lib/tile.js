/**
 * The hash of a picture from a tile much smaller than what the service hashes.
 *
 * PDQ takes 64 × 64 samples, not quite from the middle of their blocks: it takes the nearest pixel, and a box over an even
 * number of pixels lies half a pixel aside, twice. Which way depends on the picture's own size. Hashing a tile as if it
 * were the picture puts every sample elsewhere, and costs 18 bits at the median; so the samples are taken here where the
 * service would take them, between the tile's pixels, by cubic convolution (R. Keys, 1981, doi:10.1109/TASSP.1981.1163711).
 */
import { hashOfSamples, luma, SAMPLES, windowOf } from "./pdq.js";

const SERVICE_SIDE = 512; // px; the service shrinks to this before it hashes
const SHARPNESS = -0.5;
const TAPS = 4;

/**
 * @param {import("./pdq.js").Pixels} tile A whole picture, squeezed into a tile.
 * @param {{ width: number, height: number }} picture Its own size.
 * @returns {import("./pdq.js").Hash}
 */
export function hashOfTile(tile, { width, height }) {
  const scale = Math.min(1, SERVICE_SIDE / Math.max(width, height));
  const across = taps(Math.max(1, Math.round(width * scale)), tile.width);
  const down = taps(Math.max(1, Math.round(height * scale)), tile.height);
  const levels = luma(tile.data, tile.width * tile.height);
  const rows = new Float32Array(SAMPLES * tile.height);
  for (let y = 0; y < tile.height; y += 1) {
    across.forEach(({ at, weights }, j) => {
      let sum = 0;
      for (let i = 0; i < TAPS; i += 1) sum += weights[i] * levels[y * tile.width + at[i]];
      rows[y * SAMPLES + j] = sum;
    });
  }
  const samples = new Float32Array(SAMPLES * SAMPLES);
  down.forEach(({ at, weights }, i) => {
    for (let j = 0; j < SAMPLES; j += 1) {
      let sum = 0;
      for (let tap = 0; tap < TAPS; tap += 1) sum += weights[tap] * rows[at[tap] * SAMPLES + j];
      samples[i * SAMPLES + j] = sum;
    }
  });
  return hashOfSamples(samples);
}

/**
 * Where along one axis the service samples a picture of `length` pixels, in pixels of a tile of `side`.
 *
 * @param {number} length
 * @param {number} side
 */
function taps(length, side) {
  const aside = windowOf(length) % 2 === 0 ? 1 : 0;
  return Array.from({ length: SAMPLES }, (_, sample) => {
    const pixel = Math.trunc(((sample + 0.5) * length) / SAMPLES) + 0.5 + aside;
    const place = (pixel / length) * side - 0.5;
    const first = Math.floor(place) - 1;
    const at = Array.from({ length: TAPS }, (__, tap) => Math.min(side - 1, Math.max(0, first + tap)));
    return { at, weights: at.map((___, tap) => kernel(place - first - tap)) };
  });
}

/** @param {number} x Keys' kernel. */
function kernel(x) {
  const t = Math.abs(x);
  if (t < 1) return (SHARPNESS + 2) * t ** 3 - (SHARPNESS + 3) * t ** 2 + 1;
  return t < 2 ? SHARPNESS * (t ** 3 - 5 * t ** 2 + 8 * t - 4) : 0;
}
