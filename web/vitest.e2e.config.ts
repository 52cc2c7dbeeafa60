import { defineConfig } from "vitest/config";

// The paths through the app in a real browser against a real server; see e2e/browser.ts for what it needs.
export default defineConfig({
  test: { include: ["e2e/**/*.test.ts"], environment: "node", testTimeout: 180_000, hookTimeout: 60_000, fileParallelism: false },
});
