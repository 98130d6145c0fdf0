import * as v from 'valibot';

/** Most notes, and longest of them in UTF-16 units. */
const MAX_NOTES = 1000;
export const MAX_NOTE = 500;

const index = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(1e6));

/** A line of text that the user has put at a token, a head, or a cell of a head's attention. */
const NOTE = v.object({
  text: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_NOTE)),
  /** The token; of a cell the query. Null: it is about a head. */
  token: v.nullable(index),
  /** The head; null: it is about the token alone. */
  head: v.nullable(v.object({ layer: index, head: index })),
  /** The key of a cell of that head; null: it is about no cell. */
  key: v.nullable(index),
});

/** Notes on an explanation. */
export const NOTES = v.pipe(v.array(NOTE), v.maxLength(MAX_NOTES));

/** A note on an explanation. */
export type Note = Readonly<v.InferOutput<typeof NOTE>>;

/** `value` as notes; undefined where it is something else. */
export function notesOf(value: unknown): readonly Note[] | undefined {
  const parsed = v.safeParse(NOTES, value);
  return parsed.success ? parsed.output : undefined;
}

/** `value` as notes; none where it is something else. */
export function parseNotes(value: unknown): readonly Note[] {
  return notesOf(value) ?? [];
}
