import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import test from "node:test";
import { build } from "../build.mjs";

const PERMISSIONS = ["activeTab", "alarms", "contextMenus", "identity", "scripting", "storage"];
const HERE = path.dirname(path.dirname(new URL(import.meta.url).pathname));

/** @param {(out: string) => Promise<void>} act */
async function inFolder(act) {
  const out = mkdtempSync(path.join(tmpdir(), "telltale-"));
  try {
    await act(out);
  } finally {
    rmSync(out, { recursive: true });
  }
}

/** @param {string} file */
const json = (file) => JSON.parse(readFileSync(file, "utf8"));

test("a package asks for little, and for no host that it was not built for", () =>
  inFolder(async (out) => {
    const plain = json(path.join((await build("chrome", { out })).folder, "manifest.json"));
    assert.deepEqual(plain.permissions, [...PERMISSIONS, "sidePanel"].sort());
    assert.equal(plain.host_permissions, undefined);
    const firefox = json(path.join((await build("firefox", { out })).folder, "manifest.json"));
    assert.deepEqual(firefox.permissions, PERMISSIONS);
    assert.ok(!("service_worker" in firefox.background));
    const own = json(path.join((await build("chrome", { out, service: "https://t.example/console" })).folder, "manifest.json"));
    assert.deepEqual(own.host_permissions, ["https://t.example/*"]);
    assert.ok(!/unsafe|wasm|\*:/.test(own.content_security_policy.extension_pages));
  }));

test("two builds are the same, byte for byte", () =>
  inFolder(async (out) => {
    const [one, other] = [await build("chrome", { out: path.join(out, "a") }), await build("chrome", { out: path.join(out, "b") })];
    assert.deepEqual(readFileSync(one.archive), readFileSync(other.archive));
    assert.ok(one.bytes <= 150_000);
  }));

test("every text is there in every language, and every one asked for exists", () => {
  const languages = readdirSync(path.join(HERE, "_locales"));
  assert.ok(languages.length >= 2);
  const texts = languages.map((language) => json(path.join(HERE, "_locales", language, "messages.json")));
  const names = Object.keys(texts[0]);
  for (const other of texts) assert.deepEqual(Object.keys(other), names);
  for (const name of names) {
    const counts = texts.map((one) => Object.keys(one[name].placeholders ?? {}).length);
    assert.equal(new Set(counts).size, 1, name);
  }
  const sources = readdirSync(path.join(HERE, "src"), { recursive: true })
    .map(String)
    .filter((file) => /\.(js|html)$/.test(file))
    .map((file) => readFileSync(path.join(HERE, "src", file), "utf8"))
    .join("\n");
  const asked = [...sources.matchAll(/(?<![.\w])text\("(\w+)"|data-text="(\w+)"/g)].map((match) => match[1] ?? match[2]);
  assert.ok(asked.length > 60);
  for (const name of asked) assert.ok(names.includes(name), name);
});
