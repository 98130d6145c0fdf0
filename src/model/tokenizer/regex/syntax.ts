import { msg, type Translatable } from '../../../core/translatable.ts';

/** A node of a JavaScript regular expression with the flag u, limited to what the memoizing matcher supports. */
export type Node =
  /** One character. `source`: a literal, an escape or a class. */
  | { readonly type: 'character'; readonly source: string }
  | { readonly type: 'sequence'; readonly items: readonly Node[] }
  | { readonly type: 'choice'; readonly options: readonly Node[] }
  | { readonly type: 'repeat'; readonly body: Node; readonly min: number; readonly max: number; readonly greedy: boolean }
  | { readonly type: 'look'; readonly body: Node; readonly behind: boolean; readonly negative: boolean };

/** Deepest nesting; real patterns nest three deep. */
const MAX_DEPTH = 64;
const ESCAPE =
  /\\(?:[pP]\{[^}]*\}|u\{[^}]*\}|u[dD][89abAB][\dA-Fa-f]{2}\\u[dD][c-fC-F][\dA-Fa-f]{2}|u[\dA-Fa-f]{4}|x[\dA-Fa-f]{2}|c[A-Za-z]|[^])/uy;
const CLASS = /\[(?:\\[^]|[^\]\\])*\]/uy;
const QUANTIFIER = /(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})(\??)/uy;
const GROUP = /\((?:\?(?:[:=!]|<[=!]|<[\p{L}\p{N}_$]+>))?/uy;

/** Parses a pattern that is valid with the flag u. Calls `refuse` for unsupported syntax. */
export function parsePattern(source: string, refuse: (reason: Translatable) => never): Node {
  let at = 0;
  let depth = 0;
  const take = (part: RegExp): RegExpExecArray | null => {
    part.lastIndex = at;
    const found = part.exec(source);
    if (found !== null) at += found[0].length;
    return found;
  };
  const choice = (): Node => {
    if (++depth > MAX_DEPTH) refuse(msg`it nests more than ${MAX_DEPTH} groups`);
    const options = [sequence()];
    while (source[at] === '|') {
      at++;
      options.push(sequence());
    }
    depth--;
    const [only] = options;
    return only !== undefined && options.length === 1 ? only : { type: 'choice', options };
  };
  const sequence = (): Node => {
    const items: Node[] = [];
    while (at < source.length && source[at] !== '|' && source[at] !== ')') items.push(repeated(atom()));
    const [only] = items;
    return only !== undefined && items.length === 1 ? only : { type: 'sequence', items };
  };
  const atom = (): Node => {
    const start = source[at];
    if (start === '(') return group();
    if (start === '[') return { type: 'character', source: take(CLASS)?.[0] ?? refuse(msg`a class does not end`) };
    if (start === '\\') {
      const escape = take(ESCAPE)?.[0] ?? refuse(msg`it ends in a backslash`);
      if (/^\\[1-9k]/.test(escape)) refuse(msg`it refers back to what a group matched`);
      if (/^\\[bB]$/.test(escape)) refuse(msg`it holds ${escape}`);
      return { type: 'character', source: escape };
    }
    if (start === '^' || start === '$') refuse(msg`it holds ${start}`);
    const character = String.fromCodePoint(source.codePointAt(at) ?? 0);
    at += character.length;
    return { type: 'character', source: character };
  };
  const group = (): Node => {
    const opening = take(GROUP)?.[0] ?? '';
    if (opening === '(' && source[at] === '?') refuse(msg`it holds a group of a kind that is not read`);
    const body = choice();
    if (source[at] !== ')') refuse(msg`a group does not end`);
    at++;
    if (!/[=!]$/.test(opening)) return body;
    const behind = opening.startsWith('(?<');
    if (behind && longest(body) === Infinity) refuse(msg`it looks back without an end`);
    return { type: 'look', body, behind, negative: opening.endsWith('!') };
  };
  const repeated = (body: Node): Node => {
    const found = take(QUANTIFIER);
    if (found === null) return body;
    const [, sign, low, comma, high, lazy] = found;
    const min = sign === undefined ? Number(low) : sign === '+' ? 1 : 0;
    const max =
      sign === undefined
        ? comma === undefined
          ? min
          : high === '' || high === undefined
            ? Infinity
            : Number(high)
        : sign === '?'
          ? 1
          : Infinity;
    // Engines differ in whether an empty iteration counts, and it would make the outcome depend on more than the place.
    if (max > min && shortest(body) === 0) refuse(msg`it repeats something that can be empty`);
    return { type: 'repeat', body, min, max, greedy: lazy !== '?' };
  };
  const whole = choice();
  return at === source.length ? whole : refuse(msg`a bracket has no partner`);
}

/** Fewest characters that a node consumes. */
function shortest(node: Node): number {
  switch (node.type) {
    case 'character':
      return 1;
    case 'sequence':
      return node.items.reduce((sum, item) => sum + shortest(item), 0);
    case 'choice':
      return Math.min(...node.options.map(shortest));
    case 'repeat':
      return node.min === 0 ? 0 : node.min * shortest(node.body);
    case 'look':
      return 0;
  }
}

/** Most characters that a node consumes; Infinity: unbounded. */
function longest(node: Node): number {
  switch (node.type) {
    case 'character':
      return 1;
    case 'sequence':
      return node.items.reduce((sum, item) => sum + longest(item), 0);
    case 'choice':
      return Math.max(...node.options.map(longest));
    case 'repeat':
      return node.max === 0 ? 0 : node.max * longest(node.body);
    case 'look':
      return 0;
  }
}
