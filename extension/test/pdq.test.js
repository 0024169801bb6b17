import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { inflateSync } from "node:zlib";
import { distance, pdq } from "../src/lib/pdq.js";
import { shrink } from "../src/lib/shrink.js";
import { hashOfTile } from "../src/lib/tile.js";

const file = new URL("../../tests/vectors/pdq.json", import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, "utf8"));

/** @param {{ rgb: string, width: number, height: number }} vector */
function pixelsOf({ rgb, width, height }) {
  const raw = inflateSync(Buffer.from(rgb, "base64"));
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i += 1) data.set(raw.subarray(3 * i, 3 * i + 3), 4 * i);
  return { data, width, height };
}

for (const vector of vectors) {
  test(`the same hash as the service's: ${vector.name}`, () => {
    assert.deepEqual(pdq(pixelsOf(vector)), { pdq: vector.pdq, quality: vector.quality });
  });
}

test("there are vectors", () => assert.ok(vectors.length >= 8));

test("distance counts bits", () => {
  assert.equal(distance("0".repeat(64), "0".repeat(64)), 0);
  assert.equal(distance("f".repeat(64), "0".repeat(64)), 256);
  assert.equal(distance(`8${"0".repeat(63)}`, "0".repeat(64)), 1);
});

test("shrinking keeps what is small, and averages areas", () => {
  const small = { data: new Uint8ClampedArray([1, 2, 3, 255]), width: 1, height: 1 };
  assert.equal(shrink(small, 512), small);
  const data = new Uint8ClampedArray([0, 0, 0, 255, 100, 0, 0, 255, 200, 0, 0, 255, 100, 0, 0, 255]);
  const half = shrink({ data, width: 4, height: 1 }, 2);
  assert.deepEqual([half.width, half.height, half.data[0], half.data[4]], [2, 1, 50, 150]);
});

test("a tile of a picture hashes as the picture does", () => {
  const [smooth] = vectors;
  const whole = pixelsOf(smooth);
  const tile = squeezed(whole, 96);
  const { pdq: hash } = hashOfTile(tile, whole);
  assert.ok(distance(hash, smooth.pdq) <= 20, `${distance(hash, smooth.pdq)} bits`);
  const other = { ...whole, width: whole.width, height: whole.height };
  assert.ok(distance(pdq(other).pdq, vectors[1].pdq) > 60, "its mirror image is another");
});

/** Area-averaged in both axes on their own. @param {{ data: Uint8ClampedArray, width: number, height: number }} from @param {number} side */
function squeezed({ data, width, height }, side) {
  const out = new Uint8ClampedArray(side * side * 4).fill(255);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      for (let channel = 0; channel < 3; channel += 1) {
        let [sum, count] = [0, 0];
        for (let i = 0; i < 64; i += 1) {
          const at = [Math.floor(((x + ((i % 8) + 0.5) / 8) * width) / side), Math.floor(((y + (Math.floor(i / 8) + 0.5) / 8) * height) / side)];
          sum += data[(at[1] * width + at[0]) * 4 + channel];
          count += 1;
        }
        out[(y * side + x) * 4 + channel] = sum / count;
      }
    }
  }
  return { data: out, width: side, height: side };
}
