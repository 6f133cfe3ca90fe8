import { defineConfig } from "vite";

export default defineConfig({
  base: "/console/",
  // Elements become calls of h(type, attributes, …children), which are shorter than those that
  // tsconfig.json describes.
  oxc: {
    jsx: { runtime: "classic", pragma: "h", pragmaFrag: "Fragment" },
    jsxInject: 'import { Fragment, h } from "preact"',
  },
  build: {
    outDir: "../server/internal/console/dist",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    // The licenses of the libraries that are part of the script.
    license: { fileName: "licenses.md" },
    // An inlined file would be a data: address, which the content security policy refuses.
    assetsInlineLimit: 0,
  },
  // `npm run dev` serves the pages, and passes calls on to a sandbox.
  server: { proxy: { "/v1": "http://127.0.0.1:8080", "/console/log": "http://127.0.0.1:8080" } },
});
