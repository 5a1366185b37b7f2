// Turns dist/ (what Vite built) into bundle/ (what is committed and embedded into the Go binary):
// every file as brotli, FILES.sha256 over the uncompressed files and SOURCE.sha256 over what they were
// built from, both in the format of sha256sum. Usage: node bundle.mjs
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, 'dist');
const bundle = join(here, 'bundle');

// All that decides what is built. web_test.go recomputes the same list.
const sources = ['.npmrc', 'bundle.mjs', 'index.html', 'package-lock.json', 'package.json', 'vite.config.js', 'src'];

rmSync(bundle, { recursive: true, force: true });

const built = filesBelow(dist);
let compressed = 0;
for (const path of built) {
  const raw = readFileSync(join(dist, path));
  const br = brotliCompressSync(raw, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
    },
  });
  compressed += br.length;
  const target = join(bundle, `${path}.br`);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, br);
}
writeFileSync(join(bundle, 'FILES.sha256'), sums(dist, built));

const sourceFiles = sources.flatMap((path) =>
  statSync(join(here, path)).isDirectory() ? filesBelow(join(here, path)).map((below) => `${path}/${below}`) : [path],
);
writeFileSync(join(bundle, 'SOURCE.sha256'), sums(here, sourceFiles));

const size = built.reduce((sum, path) => sum + statSync(join(dist, path)).size, 0);
console.log(`bundle/: ${built.length} files, ${size} bytes, ${compressed} bytes compressed`);

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
}

// One line a file, "<sha256>  <path>", in byte order of the paths.
function sums(folder, paths) {
  return [...paths]
    .sort()
    .map((path) => `${createHash('sha256').update(readFileSync(join(folder, path))).digest('hex')}  ${path}\n`)
    .join('');
}
