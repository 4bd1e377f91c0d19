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
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const MANIFEST = "manifest.json";
const SUMS = "SHA256SUMS";
// The npm that came with this node, if one did.
const BUNDLED = join(dirname(process.execPath), "../lib/node_modules/npm/bin/npm-cli.js");
const NPM = existsSync(BUNDLED) ? [process.execPath, BUNDLED] : ["npm"];
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
  const [npm, ...first] = NPM;
  const answer = execFileSync(npm, [...first, "pack", id, "--json", "--pack-destination", into, "--loglevel", "error"], { encoding: "utf8" });
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

/**
 * The files of a package that the manifest asks for, and its licence.
 * @param {Package} pinned
 * @param {Record<string, string>} imports
 * @param {string} scratch
 * @returns {[string, string | Buffer][]} path in the folder, content
 */
function filesOf(pinned, imports, scratch) {
  const unpacked = unpack(pinned, scratch);
  const terms = readdirSync(unpacked).find((name) => /^licen[cs]e(\.|$)/i.test(name));
  if (!terms) throw new Error(`${pinned.name}: the package holds no licence`);
  const licence = `licences/${pinned.name.replace("@", "").replace("/", "-")}.txt`;
  return Object.entries({ ...pinned.files, [terms]: licence }).map(([from, to]) => {
    const content = readFileSync(join(unpacked, from));
    return [to, TEXT.test(to) ? localize(content.toString("utf8"), imports) : content];
  });
}

/** Replaces all that the folder holds, once everything is here. @param {string} folder */
function fetchAll(folder) {
  /** @type {Manifest} */
  const { packages, imports = {} } = JSON.parse(readFileSync(join(folder, MANIFEST), "utf8"));
  const scratch = mkdtempSync(join(tmpdir(), "vendor-"));
  try {
    const files = packages.flatMap((pinned) => filesOf(pinned, imports, scratch));
    for (const path of listing(folder)) if (path !== MANIFEST) rmSync(join(folder, path));
    for (const [path, content] of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
  writeFileSync(join(folder, SUMS), sums(folder));
  for (const { name, version } of packages) console.log(`${folder}: ${name} ${version}`);
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
