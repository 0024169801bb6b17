/**
 * PDQ, the perceptual hash of the service's look-up, equal bit for bit to the reference on equal pixels.
 *
 * Meta, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", 2019: luma, two passes of a box
 * filter per axis (W. Jarosz, "Fast Image Convolutions", 2001), 64 × 64 samples, the 16 × 16 lowest terms of a cosine
 * transform without the constant one, one bit per term above the median. The reference computes in 32-bit floats, so
 * every sum is rounded as they round: a tie decided otherwise would be another bit.
 */

export const SAMPLES = 64;
const TERMS = 16;
const PASSES = 2;
const QUALITY_SCALE = 90;
const { fround } = Math;

/** `COSINES[i * 64 + j] = √(2/64) cos(π/128 (i + 1) (2j + 1))`, for the terms 1 to 16. */
const COSINES = Float32Array.from({ length: TERMS * SAMPLES }, (_, at) => {
  const term = Math.floor(at / SAMPLES) + 1;
  const sample = at % SAMPLES;
  return fround(Math.sqrt(2 / SAMPLES)) * Math.cos((Math.PI / 2 / SAMPLES) * term * (2 * sample + 1));
});

/**
 * @typedef {object} Pixels
 * @property {Uint8ClampedArray | Uint8Array} data RGBA, row by row.
 * @property {number} width
 * @property {number} height
 */

/**
 * @typedef {object} Hash
 * @property {string} pdq 64 hexadecimal digits.
 * @property {number} quality 0 to 100; 0 for a picture without any gradient, whose hash says nothing.
 */

/**
 * Hash decoded pixels.
 *
 * @param {Pixels} pixels
 * @returns {Hash}
 */
export function pdq({ data, width, height }) {
  return hashOfSamples(decimate(luma(data, width * height), width, height));
}

/** @param {Float32Array} samples 64 × 64 levels of luma. @returns {Hash} */
export function hashOfSamples(samples) {
  return { pdq: hexadecimal(aboveMedian(lowTerms(samples))), quality: quality(samples) };
}

/**
 * Count the bits in which two hashes differ.
 *
 * @param {string} one
 * @param {string} other
 * @returns {number} 0 to 256.
 */
export function distance(one, other) {
  let bits = 0;
  for (let at = 0; at < one.length; at += 8) {
    let differing = parseInt(one.slice(at, at + 8), 16) ^ parseInt(other.slice(at, at + 8), 16);
    for (; differing !== 0; differing &= differing - 1) bits += 1;
  }
  return bits;
}

/**
 * @param {ArrayLike<number>} data
 * @param {number} count
 */
export function luma(data, count) {
  const out = new Float32Array(count); // only the sum is rounded, as in the service's binding
  for (let i = 0, at = 0; i < count; i += 1, at += 4) {
    out[i] = data[at] * 0.299 + data[at + 1] * 0.587 + data[at + 2] * 0.114;
  }
  return out;
}

/**
 * Blur over half a block per pass, then take the middle of each of 64 × 64 blocks.
 *
 * @param {Float32Array} plane Overwritten.
 * @param {number} width
 * @param {number} height
 */
function decimate(plane, width, height) {
  const [across, down] = [windowOf(width), windowOf(height)];
  const other = new Float32Array(plane.length);
  for (let pass = 0; pass < PASSES; pass += 1) {
    for (let y = 0; y < height; y += 1) box(plane, other, y * width, 1, width, across);
    for (let x = 0; x < width; x += 1) box(other, plane, x, width, height, down);
  }
  const samples = new Float32Array(SAMPLES * SAMPLES);
  for (let i = 0; i < SAMPLES; i += 1) {
    const y = Math.trunc(((i + 0.5) * height) / SAMPLES);
    for (let j = 0; j < SAMPLES; j += 1) {
      samples[i * SAMPLES + j] = plane[y * width + Math.trunc(((j + 0.5) * width) / SAMPLES)];
    }
  }
  return samples;
}

/** @param {number} length @returns {number} How many pixels a box covers: half a block. */
export function windowOf(length) {
  return Math.floor((length + 2 * SAMPLES - 1) / (2 * SAMPLES));
}

/**
 * A running mean along one line; the window is cut off at both ends.
 *
 * @param {Float32Array} from
 * @param {Float32Array} to
 * @param {number} start
 * @param {number} stride
 * @param {number} length
 * @param {number} window
 */
function box(from, to, start, stride, length, window) {
  const half = (window + 2) >> 1;
  let [sum, size, left, right, out] = [0, 0, start, start, start];
  for (let i = 0; i < half - 1; i += 1, right += stride) {
    sum = fround(sum + from[right]);
    size += 1;
  }
  for (let i = 0; i < window - half + 1; i += 1, right += stride, out += stride) {
    sum = fround(sum + from[right]);
    size += 1;
    to[out] = sum / size;
  }
  for (let i = 0; i < length - window; i += 1, left += stride, right += stride, out += stride) {
    sum = fround(sum + from[right]);
    sum = fround(sum - from[left]);
    to[out] = sum / size;
  }
  for (let i = 0; i < half - 1; i += 1, left += stride, out += stride) {
    sum = fround(sum - from[left]);
    size -= 1;
    to[out] = sum / size;
  }
}

/** @param {Float32Array} samples */
function lowTerms(samples) {
  const half = new Float32Array(TERMS * SAMPLES);
  for (let i = 0; i < TERMS; i += 1) {
    for (let j = 0; j < SAMPLES; j += 1) {
      let sum = 0;
      for (let k = 0; k < SAMPLES; k += 1) {
        sum = fround(sum + fround(COSINES[i * SAMPLES + k] * samples[k * SAMPLES + j]));
      }
      half[i * SAMPLES + j] = sum;
    }
  }
  const terms = new Float32Array(TERMS * TERMS);
  for (let i = 0; i < TERMS; i += 1) {
    for (let j = 0; j < TERMS; j += 1) {
      let sum = 0;
      for (let k = 0; k < SAMPLES; k += 1) {
        sum = fround(sum + fround(half[i * SAMPLES + k] * COSINES[j * SAMPLES + k]));
      }
      terms[i * TERMS + j] = sum;
    }
  }
  return terms;
}

/** @param {Float32Array} terms */
function aboveMedian(terms) {
  const median = Float32Array.from(terms).sort()[terms.length / 2 - 1];
  return Array.from(terms, (term) => term > median);
}

/**
 * Write 256 bits as the reference does: words of 16 bits, the last word first, its highest bit first.
 *
 * @param {boolean[]} bits
 */
function hexadecimal(bits) {
  let text = "";
  for (let at = bits.length - 4; at >= 0; at -= 4) {
    const digit = [3, 2, 1, 0].reduce((value, bit) => value * 2 + Number(bits[at + bit]), 0);
    text += digit.toString(16);
  }
  return text;
}

/** @param {Float32Array} samples */
function quality(samples) {
  let gradient = 0;
  for (let i = 0; i < SAMPLES; i += 1) {
    for (let j = 0; j < SAMPLES; j += 1) {
      const at = i * SAMPLES + j;
      if (i < SAMPLES - 1) gradient += step(samples[at], samples[at + SAMPLES]);
      if (j < SAMPLES - 1) gradient += step(samples[at], samples[at + 1]);
    }
  }
  return Math.min(100, Math.trunc(gradient / QUALITY_SCALE));
}

/**
 * @param {number} here
 * @param {number} there
 */
function step(here, there) {
  return Math.abs(Math.trunc(fround(fround(fround(here - there) * 100) / 255)));
}
