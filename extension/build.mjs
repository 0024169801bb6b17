/**
 * Write `dist/chrome` and `dist/firefox`, and a zip of each that is the same, byte for byte, whoever builds it.
 *
 *     node build.mjs [--service https://telltale.brand.example] [--out DIR]
 *
 * With `--service`, the address is built in: the permission for that one origin is asked for at installation, and
 * nobody has to type it. Without, the options page asks for both.
 */
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { zip } from "./zip.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const SHIPPED = ["_locales", "icons", "src"];
const LEFT_OUT = new Set(["tsconfig.json", "mark.svg", "draw.mjs"]);
const MOST_BYTES = 150_000;

/**
 * Build one browser's package.
 *
 * @param {"chrome" | "firefox"} browser
 * @param {{ out: string, service?: string, alter?: (manifest: Record<string, any>) => void }} options `alter` is for tests.
 * @returns {Promise<{ folder: string, archive: string, bytes: number }>}
 */
export async function build(browser, { out, service, alter }) {
  const folder = path.join(out, browser);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const name of SHIPPED) {
    const keep = (/** @type {string} */ file) => !LEFT_OUT.has(path.basename(file));
    await cp(path.join(HERE, name), path.join(folder, name), { recursive: true, filter: keep });
  }
  const manifest = merged(await json("manifest/common.json"), await json(`manifest/${browser}.json`));
  if (browser === "chrome") await cp(path.join(HERE, "managed.json"), path.join(folder, "managed.json"));
  if (service) {
    const { origin, protocol, hostname } = new URL(service);
    manifest.host_permissions = [`${protocol}//${hostname}/*`];
    const built = `/** The address this package was built for. */\nexport const SERVICE = ${JSON.stringify(origin)};\n`;
    await writeFile(path.join(folder, "src/lib/built.js"), built);
  }
  alter?.(manifest);
  await writeFile(path.join(folder, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  const archive = path.join(out, `telltale-${browser}-${manifest.version}.zip`);
  const bytes = zip(await files(folder));
  if (bytes.length > MOST_BYTES) throw new Error(`${archive} has ${bytes.length} bytes, more than ${MOST_BYTES}`);
  await writeFile(archive, bytes);
  return { folder, archive, bytes: bytes.length };
}

/** @param {string} name @returns {Promise<Record<string, any>>} */
async function json(name) {
  return JSON.parse(await readFile(path.join(HERE, name), "utf8"));
}

/**
 * @param {Record<string, any>} common
 * @param {Record<string, any>} own
 * @returns {Record<string, any>}
 */
function merged(common, own) {
  const permissions = [...common.permissions, ...(own.permissions ?? [])].sort();
  return { ...common, ...own, permissions };
}

/** @param {string} folder @returns {Promise<{ name: string, data: Buffer }[]>} */
async function files(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const named = paths.map((file) => ({ file, name: path.relative(folder, file).split(path.sep).join("/") }));
  named.sort((a, b) => (a.name < b.name ? -1 : 1));
  return Promise.all(named.map(async ({ file, name }) => ({ name, data: await readFile(file) })));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({ options: { service: { type: "string" }, out: { type: "string" } } });
  for (const browser of /** @type {const} */ (["chrome", "firefox"])) {
    const made = await build(browser, { out: values.out ?? path.join(HERE, "dist"), service: values.service });
    console.log(`${path.relative(process.cwd(), made.archive)}  ${made.bytes} bytes`);
  }
}
