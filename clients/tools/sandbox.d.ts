import type { TestContext } from "node:test";

export function sandbox(t: TestContext): Promise<{ url: string; twins: Record<string, string> }>;
