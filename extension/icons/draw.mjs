/**
 * Draw the mark of `mark.svg` as PNG in the sizes that browsers want: `node icons/draw.mjs`. 8 × 8 samples a pixel.
 */
import { writeFileSync } from "node:fs";
import { crc32, deflateSync } from "node:zlib";

const SIDES = [16, 32, 48, 128];
const SAMPLES = 8;
const GROUND = [0x17, 0x59, 0x4a];
const CELLS = [1, 0.35, 1, 0.35, 0, 0.35, 1, 1, 0.35]; // how much white; 0 is the named one
const NAMED = [0xff, 0xb4, 0x54];

/** @param {number} x @param {number} y @param {number} left @param {number} top @param {number} side @param {number} round */
function inside(x, y, left, top, side, round) {
  const beyond = (/** @type {number} */ at, /** @type {number} */ from) =>
    Math.max(from + round - at, at - (from + side - round), 0);
  return x >= left && y >= top && x < left + side && y < top + side && Math.hypot(beyond(x, left), beyond(y, top)) <= round;
}

/** @param {number} x @param {number} y In the 48 units of the drawing. @returns {number[] | null} */
function colour(x, y) {
  if (!inside(x, y, 0, 0, 48, 12)) return null;
  const cell = CELLS.findIndex((_, at) => inside(x, y, 11 + 9.5 * (at % 3), 11 + 9.5 * Math.floor(at / 3), 7, 2));
  if (cell < 0) return GROUND;
  return CELLS[cell] === 0 ? NAMED : GROUND.map((value) => value + (255 - value) * CELLS[cell]);
}

/** @param {string} type @param {Buffer} data */
function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

/** @param {number} side */
function png(side) {
  const rows = Buffer.alloc(side * (side * 4 + 1));
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const sum = [0, 0, 0, 0];
      for (let sample = 0; sample < SAMPLES ** 2; sample += 1) {
        const at = colour(
          ((x + ((sample % SAMPLES) + 0.5) / SAMPLES) * 48) / side,
          ((y + (Math.floor(sample / SAMPLES) + 0.5) / SAMPLES) * 48) / side,
        );
        if (at) [...at, 1].forEach((value, index) => (sum[index] += value));
      }
      const start = y * (side * 4 + 1) + 1 + x * 4;
      for (let index = 0; index < 3; index += 1) rows[start + index] = sum[3] ? Math.round(sum[index] / sum[3]) : 0;
      rows[start + 3] = Math.round((255 * sum[3]) / SAMPLES ** 2);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 6], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}

for (const side of SIDES) writeFileSync(new URL(`${side}.png`, import.meta.url), png(side));
