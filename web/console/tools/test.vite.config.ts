// Bundles the unit tests for node's own test runner.
import { defineConfig } from 'vite';

export default defineConfig({
  build: {
    ssr: true,
    target: 'node18',
    outDir: 'node_modules/.cache/console-test',
    emptyOutDir: true,
    rollupOptions: { input: ['src/api/live/live.test.ts'] },
  },
});
