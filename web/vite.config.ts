import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const service = process.env["MEDLENS_URL"] ?? "http://127.0.0.1:8000";

type Built = Parameters<
  Extract<Plugin["generateBundle"], (...of: never[]) => unknown>
>[1];

/**
 * A second page, for the address of a study: it names at once all that this page is made
 * of, so that a browser need not read one script to hear of the next.
 */
function studyPage(): Plugin {
  const first = ["/src/study/page.tsx", "/src/viewer/viewer.tsx"];
  return {
    name: "study-page",
    enforce: "post",
    generateBundle(_, bundle) {
      const page = bundle["index.html"];
      if (page?.type !== "asset") return;
      const named = String(page.source);
      const links = neededBy(bundle, first)
        .filter((file) => !named.includes(file))
        .map((file) => {
          const rel = file.endsWith(".css") ? "stylesheet" : "modulepreload";
          return `    <link rel="${rel}" crossorigin href="/${file}">\n`;
        });
      const source = named.replace("  </head>", `${links.join("")}  </head>`);
      this.emitFile({ type: "asset", fileName: "study.html", source });
    },
  };
}

/** Scripts and styles of some modules' chunks, with all that these import. */
function neededBy(bundle: Built, modules: readonly string[]): readonly string[] {
  const found = new Set<string>();
  const add = (name: string) => {
    const chunk = bundle[name];
    if (chunk?.type !== "chunk" || found.has(name)) return;
    found.add(name);
    for (const each of chunk.imports) add(each);
    for (const style of chunk.viteMetadata?.importedCss ?? []) found.add(style);
  };
  for (const chunk of Object.values(bundle)) {
    const isOne =
      chunk.type === "chunk" &&
      modules.some((each) => chunk.facadeModuleId?.endsWith(each));
    if (isOne) add(chunk.fileName);
  }
  return [...found];
}

export default defineConfig({
  plugins: [studyPage()],
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
