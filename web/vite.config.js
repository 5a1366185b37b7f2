import { defineConfig } from 'vite';

// The server of `npm run dev` passes these on to a running `violentutf serve --dev`.
const backend = process.env.VIOLENTUTF_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  // Absolute, because the same index.html answers / and /graphiql.
  base: '/',
  build: {
    target: 'es2022',
    sourcemap: false,
    // The content security policy allows no data: scripts; everything is a file of its own.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // Monaco's core is one chunk of about 3 MB.
    chunkSizeWarningLimit: 4000,
    license: { fileName: 'licenses.md' },
    rolldownOptions: {
      // "use client" means something to server rendering only.
      onwarn: (warning, report) => warning.code === 'MODULE_LEVEL_DIRECTIVE' || report(warning),
    },
  },
  worker: { format: 'es' },
  server: {
    proxy: {
      '/graphql': { target: backend, ws: true },
      '/auth': { target: backend },
    },
  },
});
