import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const service = process.env["MEDLENS_URL"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  resolve: {
    alias: { "~": here("./src") },
  },
  build: {
    outDir: process.env["MEDLENS_WEB_FILES"] ?? here("../src/medlens/serve/static"),
    emptyOutDir: true,
    target: "es2022",
    // Names by content: a browser may keep them for ever.
    assetsDir: "assets",
    assetsInlineLimit: 0, // the content security policy takes no data: scripts or fonts
    // What the licences of the libraries within want to be kept beside them.
    license: { fileName: "licenses.md" },
    sourcemap: false,
    chunkSizeWarningLimit: 4000,
    modulePreload: { polyfill: false },
  },
  server: {
    host: "127.0.0.1",
    proxy: Object.fromEntries(
      ["/api", "/dicom-web", "/login", "/logout", "/welcome"].map((path) => [
        path,
        { target: service, changeOrigin: true },
      ]),
    ),
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
