/** Numbers that look random and are the same for the same seed. */

/** A generator of numbers from 0 up to 1 (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from 0 up to `below`. */
export const wholeBelow = (random: () => number, below: number): number => Math.floor(random() * below);

/** One of these. */
export function oneOf<Item>(random: () => number, items: readonly [Item, ...Item[]]): Item {
  return items[wholeBelow(random, items.length)] ?? items[0];
}

/** The seed of a test: the one that the environment gives, to see a failure again, else the usual one. */
export function seedOf(variable: string, usual: number): number {
  const given = process.env[variable];
  return given === undefined ? usual : Number(given);
}
