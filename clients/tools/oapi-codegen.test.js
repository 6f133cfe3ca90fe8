// Runs a Go program with the client of oapi-codegen against a sandbox. OAPI names the compiled
// program.
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { sandbox } from "./sandbox.js";

test("oapi-codegen", { timeout: 60_000 }, async (t) => {
  const program = process.env.OAPI;
  if (!program) throw new Error("OAPI must name the program: run ./clients/tools/test");
  await promisify(execFile)(program, [(await sandbox(t)).url]);
});
