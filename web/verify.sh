#!/bin/sh
# Checks that bundle/ is what the source builds: installs and builds a copy in a temporary folder and
# compares. Needs Node and npm; without them it says so and passes, except with CI=true.
# The uncompressed bytes are compared (by bundle/FILES.sha256, which `go test ./web` holds against the
# .br files): the brotli of another Node release may pack the same bytes differently.
set -eu
cd "$(dirname "$0")"

if ! command -v npm >/dev/null 2>&1; then
  echo "web/verify.sh: no npm here, so the bundle is not rebuilt" >&2
  [ "${CI:-}" = true ] && exit 1
  exit 0
fi

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -R .npmrc bundle.mjs index.html package.json package-lock.json vite.config.js src "$copy"
(cd "$copy" && npm ci && npm run bundle) >"$copy/log" 2>&1 || {
  cat "$copy/log" >&2
  exit 1
}
for sums in SOURCE.sha256 FILES.sha256; do
  diff -u "bundle/$sums" "$copy/bundle/$sums" || {
    echo "web/verify.sh: bundle/ is not what the source builds: run 'npm ci && npm run bundle' in web/ and commit bundle/" >&2
    exit 1
  }
done
echo "web/verify.sh: bundle/ is what the source builds"
