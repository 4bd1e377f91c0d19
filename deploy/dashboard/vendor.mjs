/**
 * Brings the dashboard's libraries into the repository, as its pages load them.
 *
 *     node deploy/dashboard/vendor.mjs FOLDER...          fetch what each FOLDER/manifest.json pins, by npm
 *     node deploy/dashboard/vendor.mjs --check FOLDER...  compare what is committed with FOLDER/SHA256SUMS, offline
 *
 * A package is taken only if its tarball has the integrity that the manifest names. Bare imports become relative ones,
 * so that the pages need no import map, which a strict content security policy would refuse.
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const MANIFEST = "manifest.json";
const SUMS = "SHA256SUMS";
const TEXT = /\.(js|css)$/;

/**
 * @typedef {object} Package
 * @property {string} name
 * @property {string} version
 * @property {string} license   an SPDX identifier
 * @property {string} integrity as npm prints it: `sha512-` and base64
 * @property {Record<string, string>} files  path in the package: path in the folder
 *
 * @typedef {object} Manifest
 * @property {Package[]} packages
 * @property {Record<string, string>} [imports] bare specifier: the relative one that replaces it
 */

/** @param {string} algorithm @param {Buffer} content @param {"hex" | "base64"} encoding */
const digest = (algorithm, content, encoding) => createHash(algorithm).update(content).digest(encoding);

/**
 * The package's tarball, unpacked into a temporary folder.
 * @param {Package} pinned
 * @param {string} into
 * @returns {string} the folder that holds its files
 */
function unpack(pinned, into) {
  const id = `${pinned.name}@${pinned.version}`;
  const answer = execFileSync("npm", ["pack", id, "--json", "--pack-destination", into, "--loglevel", "error"], { encoding: "utf8" });
  const described = JSON.parse(answer);
  const [{ filename }] = Array.isArray(described) ? described : Object.values(described);
  const tarball = join(into, filename);
  const integrity = `sha512-${digest("sha512", readFileSync(tarball), "base64")}`;
  if (integrity !== pinned.integrity) throw new Error(`${id}: the tarball is ${integrity}, the manifest pins ${pinned.integrity}`);
  const folder = mkdtempSync(join(into, "package-"));
  execFileSync("tar", ["-xzf", tarball, "-C", folder, "--strip-components=1"]);
  return folder;
}

/**
 * @param {string} source
 * @param {Record<string, string>} imports
 */
function localize(source, imports) {
  return source
    .replace(/((?:from|import)\s*\(?\s*)(["'])([^"'./][^"']*)\2/g, (whole, before, quote, specifier) =>
      specifier in imports ? `${before}${quote}${imports[specifier]}${quote}` : whole,
    )
    .replace(/\n?\/[/*]# sourceMappingURL=\S+(?:\s*\*\/)?\s*$/, "\n");
}

/** Every file below the folder but the sums themselves, as sorted relative paths. @param {string} folder */
function listing(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => path !== SUMS)
    .sort();
}

/** @param {string} folder */
function sums(folder) {
  return listing(folder).map((path) => `${digest("sha256", readFileSync(join(folder, path)), "hex")}  ${path}\n`).join("");
}

/** @param {string} folder */
function fetchAll(folder) {
  /** @type {Manifest} */
  const manifest = JSON.parse(readFileSync(join(folder, MANIFEST), "utf8"));
  for (const path of listing(folder)) if (path !== MANIFEST) rmSync(join(folder, path));
  const scratch = mkdtempSync(join(tmpdir(), "vendor-"));
  try {
    for (const pinned of manifest.packages) {
      const unpacked = unpack(pinned, scratch);
      const licence = `licences/${pinned.name.replace("@", "").replace("/", "-")}.txt`;
      const terms = readdirSync(unpacked).find((name) => /^licen[cs]e(\.|$)/i.test(name));
      if (!terms) throw new Error(`${pinned.name}: the package holds no licence`);
      for (const [from, to] of Object.entries({ ...pinned.files, [terms]: licence })) {
        const content = readFileSync(join(unpacked, from));
        mkdirSync(dirname(join(folder, to)), { recursive: true });
        writeFileSync(join(folder, to), TEXT.test(to) ? localize(content.toString("utf8"), manifest.imports ?? {}) : content);
      }
      console.log(`${pinned.name} ${pinned.version}`);
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
  writeFileSync(join(folder, SUMS), sums(folder));
}

/** @param {string} folder @returns {boolean} whether the folder is what its sums say */
function unchanged(folder) {
  if (sums(folder) === readFileSync(join(folder, SUMS), "utf8")) return true;
  console.error(`${folder}: differs from its ${SUMS}; vendored files are changed by the manifest and this script only`);
  return false;
}

const args = process.argv.slice(2);
const check = args[0] === "--check";
const folders = check ? args.slice(1) : args;
if (folders.length === 0) {
  console.error("usage: node deploy/dashboard/vendor.mjs [--check] FOLDER...");
  process.exitCode = 2;
} else if (check) {
  if (!folders.map(unchanged).every(Boolean)) process.exitCode = 1;
} else {
  folders.forEach(fetchAll);
}
