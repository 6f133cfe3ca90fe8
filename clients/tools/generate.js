// Runs the generators for TypeScript over the OpenAPI document, side by side. They write to the
// folder generated.
import { execFile } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const input = "../../gen/openapi.json";
await rm("generated", { recursive: true, force: true });
await mkdir("generated");
await Promise.all(
  [
    ["openapi-typescript", input, "--output", "generated/paths.ts"],
    ["oazapfts", input, "generated/oazapfts.ts"],
    ["orval", "--input", input, "--output", "generated/orval.ts", "--client", "fetch"],
    ["orval", "--input", input, "--output", "generated/zod.ts", "--client", "zod"],
  ].map(async ([tool, ...args]) => {
    const { stderr } = await run(`node_modules/.bin/${tool}`, args);
    if (stderr) console.error(stderr);
  }),
);
