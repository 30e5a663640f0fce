/** Months as the service names them: "2026-11", in UTC. */

/** The last months, the oldest first, this one included. */
export function lastMonths(count: number, now: Date = new Date()): readonly string[] {
  const last = now.getUTCFullYear() * 12 + now.getUTCMonth();
  return Array.from({ length: count }, (_, at) => named(last - (count - 1 - at)));
}

function named(months: number): string {
  const month = String((months % 12) + 1).padStart(2, "0");
  return `${Math.floor(months / 12)}-${month}`;
}

/** The sites that something tells of, named ones first, in their order. */
export function sitesOf(
  ...told: readonly (readonly { site: string }[])[]
): readonly string[] {
  const names = [...new Set(told.flat().map(({ site }) => site))].sort();
  return [...names.filter(Boolean), ...names.filter((name) => !name)];
}
