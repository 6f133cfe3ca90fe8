// Adds amounts of money exactly. Prices have at most nine decimals, and so have the amounts.

const places = 9;

export type Sum = { currency: string; over: string; under: string };

/**
 * Returns, for each currency, the sum of the positive amounts and that of the negative ones,
 * without its sign.
 */
export function sums(amounts: { amount: string; currency: string }[]): Sum[] {
  const byCurrency = new Map<string, { over: bigint; under: bigint }>();
  for (const { amount, currency } of amounts) {
    if (!amount) continue;
    const sum = byCurrency.get(currency) ?? { over: 0n, under: 0n };
    const n = parse(amount);
    if (n > 0n) sum.over += n;
    else sum.under -= n;
    byCurrency.set(currency, sum);
  }
  return [...byCurrency].map(([currency, { over, under }]) => ({ currency, over: text(over), under: text(under) }));
}

/** Returns "-1.5" in units of the last place. */
function parse(amount: string): bigint {
  const [whole = "", part = ""] = amount.replace("-", "").split(".");
  const n = BigInt(whole + part.padEnd(places, "0").slice(0, places));
  return amount.startsWith("-") ? -n : n;
}

function text(n: bigint): string {
  const digits = n.toString().padStart(places + 1, "0");
  return `${digits.slice(0, -places)}.${digits.slice(-places)}`.replace(/\.?0+$/, "") || "0";
}
