/**
 * Shrinking by area averaging, as the service does before it hashes: each pixel is the mean of the area it covers.
 *
 * Browsers shrink by other means, each by its own, and the difference would cost bits of the hash.
 */

/** @typedef {import("./pdq.js").Pixels} Pixels */

/**
 * @param {Pixels} pixels RGBA.
 * @param {number} side The longest side of the result; smaller pictures are returned as they are.
 * @returns {Pixels}
 */
export function shrink(pixels, side) {
  const scale = side / Math.max(pixels.width, pixels.height);
  if (scale >= 1) return pixels;
  const width = Math.max(1, roundHalfEven(pixels.width * scale));
  const height = Math.max(1, roundHalfEven(pixels.height * scale));
  const rows = narrowed(pixels.data, pixels.width, pixels.height, width);
  return { data: flattened(rows, width, pixels.height, height), width, height };
}

/** @param {number} value Rounded as Python does, so that both sides agree on the size. */
function roundHalfEven(value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

/**
 * Which pixels a new one covers, and how much of each.
 *
 * @param {number} from
 * @param {number} to
 * @returns {{ first: number, weights: number[] }[]}
 */
function spans(from, to) {
  const step = from / to;
  return Array.from({ length: to }, (_, at) => {
    const [begin, end] = [at * step, Math.min((at + 1) * step, from)];
    const first = Math.floor(begin);
    const weights = [];
    for (let pixel = first; pixel < Math.min(Math.ceil(end), from); pixel += 1) {
      weights.push((Math.min(end, pixel + 1) - Math.max(begin, pixel)) / (end - begin));
    }
    return { first, weights };
  });
}

/** @param {ArrayLike<number>} data @param {number} width @param {number} height @param {number} to */
function narrowed(data, width, height, to) {
  const out = new Float32Array(to * height * 3);
  const taken = spans(width, to);
  for (let y = 0, put = 0; y < height; y += 1) {
    for (let x = 0; x < to; x += 1, put += 3) {
      const { first, weights } = taken[x];
      let [red, green, blue] = [0, 0, 0];
      for (let i = 0, at = (y * width + first) * 4; i < weights.length; i += 1, at += 4) {
        red += weights[i] * data[at];
        green += weights[i] * data[at + 1];
        blue += weights[i] * data[at + 2];
      }
      out[put] = red;
      out[put + 1] = green;
      out[put + 2] = blue;
    }
  }
  return out;
}

/** @param {Float32Array} rows @param {number} width @param {number} height @param {number} to */
function flattened(rows, width, height, to) {
  const out = new Uint8ClampedArray(width * to * 4);
  const line = new Float32Array(width * 3);
  spans(height, to).forEach(({ first, weights }, y) => {
    line.fill(0);
    weights.forEach((weight, i) => {
      const start = (first + i) * width * 3;
      for (let at = 0; at < line.length; at += 1) line[at] += weight * rows[start + at];
    });
    for (let x = 0, at = 0, put = y * width * 4; x < width; x += 1, put += 4) {
      out[put] = line[at++];
      out[put + 1] = line[at++];
      out[put + 2] = line[at++];
      out[put + 3] = 255;
    }
  });
  return out;
}
