import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

// `npm run dev` serves the app and hands every API request to a running `practicum serve`.
const server = process.env.PRACTICUM_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [svelte()],
  server: { proxy: { "/api": { target: server, changeOrigin: true } } },
  build: {
    target: "es2022",
    // The server's content security policy allows no data: URLs, so nothing may be inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
