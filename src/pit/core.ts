/** The pit that a face stands on, for the doors, which need more of it than programs do. */
import { InvalidOptions } from "../errors/index.ts";
import type { Pit } from "./pit.ts";

const cores = new WeakMap<object, Pit>();

/** Remembers which pit a face stands on, and gives the face back. */
export function standOn<Face extends object>(face: Face, pit: Pit): Face {
  cores.set(face, pit);
  return face;
}

/** The pit that a face stands on. Throws InvalidOptions for what is no face of this copy of the package. */
export function coreOf(face: object): Pit {
  const pit = cores.get(face);
  if (pit === undefined) throw new InvalidOptions({ option: "pit", expected: "what Snakepit.open or Pool.layer gives" });
  return pit;
}
