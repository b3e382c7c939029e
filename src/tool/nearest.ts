/** Which names a user may have meant. */

/** Number of letters to insert, delete, replace or swap with their neighbour to make `a` into `b` (restricted Damerau-Levenshtein). */
export function editDistance(a: string, b: string): number {
  let older: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(replaced, above[j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, older[j - 2]! + 1);
      row.push(least);
    }
    older = above;
    above = row;
  }
  return above[b.length]!;
}

/** Most names that a message mentions. */
const SHOWN = 3;

/**
 * The names nearest to `name`, at most three, nearest first. Upper and lower case are equal, and a name that contains `name` or ends in it after a
 * dot ("Model.predict" for "predict") counts as near. Empty when nothing is.
 */
export function nearestNames(name: string, names: Iterable<string>): string[] {
  const wanted = name.toLowerCase();
  const near: { readonly name: string; readonly distance: number }[] = [];
  for (const candidate of names) {
    const lower = candidate.toLowerCase();
    const short = lower.slice(lower.lastIndexOf(".") + 1);
    const contained = wanted.length > 2 && (lower.includes(wanted) || (short.length > 2 && wanted.includes(short)));
    const distance = Math.min(editDistance(wanted, lower), editDistance(wanted, short));
    if (contained || distance <= Math.max(1, Math.floor(wanted.length / 3))) near.push({ name: candidate, distance });
  }
  near.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return near.slice(0, SHOWN).map((n) => n.name);
}
