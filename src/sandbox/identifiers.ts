/** A random UUID (version 4) from a source of numbers in [0, 1). */
export function randomUid(random: () => number): string {
  const hex = Array.from({ length: 32 }, (_, index) => {
    const digit = Math.floor(random() * 16);
    if (index === 12) return "4";
    return (index === 16 ? (digit & 3) | 8 : digit).toString(16);
  }).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Letters and digits that can't form words or be mistaken; source: Kubernetes' generated names. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
/** Source: the API server cuts the prefix so that name and suffix fit a label. */
const MAX_PREFIX = 58;

/** A name for `metadata.generateName`: the prefix and five random characters. */
export function generatedName(prefix: string, random: () => number): string {
  let suffix = "";
  for (let index = 0; index < 5; index++) suffix += ALPHABET[Math.floor(random() * ALPHABET.length)];
  return prefix.slice(0, MAX_PREFIX) + suffix;
}

/** A time as metav1.Time: whole seconds. */
export function timestamp(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/\.\d+Z$/, "Z");
}
