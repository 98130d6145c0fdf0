// Mutations: small wrong changes to a program, of kinds that occur in practice and that a test must detect.

/**
 * Text that is not code: comments, strings, templates, and regular expressions after a bracket, comma, equals sign or the like. The
 * lookbehind tells these from divisions.
 */
const NOT_CODE = new RegExp(
  [
    /\/\/[^\n]*/,
    /\/\*[\s\S]*?\*\//,
    /'(?:[^'\\\n]|\\.)*'/,
    /"(?:[^"\\\n]|\\.)*"/,
    /`(?:[^`\\]|\\.)*`/,
    /(?<=[(,=:[!&|?{};]\s?)\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
);

/** Kind of mutation -> the pattern of code that it changes, and the replacement of a match. */
const KINDS = {
  number: [
    /(?<![\w.$'])(?:\d[\d_]*)(?:\.\d+)?(?:e-?\d+)?(?![\w.'])/g,
    (text) => (/[.e]/.test(text) ? `${Number(text.replaceAll('_', '')) * 2}` : `${Number(text.replaceAll('_', '')) + 1}`),
  ],
  sign: [/ [+-] (?=[\w(])/g, (text) => (text === ' + ' ? ' - ' : ' + ')],
  index: [/(?<=\w)\[[a-z]\w*\](?! =)/g, (text) => `[${text.slice(1, -1)} + 1]`],
  operator: [/ [*/] (?=[\w(])/g, (text) => (text === ' * ' ? ' / ' : ' * ')],
  bound: [/ (?:<=|>=|<|>) (?=[\w(])/g, (text) => ({ ' < ': ' <= ', ' > ': ' >= ', ' <= ': ' < ', ' >= ': ' > ' })[text]],
  equality: [/ [=!]== /g, (text) => (text === ' === ' ? ' !== ' : ' === ')],
  extreme: [/Math\.(?:max|min)(?=\()/g, (text) => (text === 'Math.max' ? 'Math.min' : 'Math.max')],
};
/** Names of all kinds of mutation. */
export const MUTATION_KINDS = Object.keys(KINDS);

/** Lines that only declare types or names, where a change would not alter the program's behaviour. */
const DECLARES =
  /^\s*(?:import|export (?:type|interface|\*)|type|interface|readonly \w+\??:|function \w+\(.*: .*\{$)|\b(?:as|satisfies) const;?$|=> void/;

/** Every place of `source` where a mutation of `kind` is possible: its offset, text and replacement. */
export function placesOf(source, kind) {
  const [pattern, changed] = KINDS[kind];
  // Text that is not code is blanked at equal length, which keeps offsets valid.
  const code = source.replace(NOT_CODE, (text) => text.replace(/[^\n]/g, '\0'));
  return [...code.matchAll(pattern)].flatMap(({ 0: text, index }) => {
    const start = source.lastIndexOf('\n', index) + 1;
    const end = source.indexOf('\n', index);
    if (DECLARES.test(source.slice(start, end === -1 ? undefined : end))) return [];
    return [{ offset: index, text, replacement: changed(text) }];
  });
}

/** A generator of pseudorandom numbers in [0, 1), the same for the same seed. */
export function seeded(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Chooses `count` mutants, spread over as many files as possible, cycling through the kinds. `files` maps paths to sources. */
export function chooseMutants(files, count, seed) {
  const random = seeded(seed);
  const shuffled = (list) =>
    list
      .map((item) => [random(), item])
      .toSorted(([a], [b]) => a - b)
      .map(([, item]) => item);
  const order = shuffled([...files.keys()].toSorted((a, b) => a.localeCompare(b, 'en')));
  const mutants = [];
  for (let round = 0; mutants.length < count && round < 10; round++) {
    for (const file of order) {
      if (mutants.length === count) break;
      // The kind whose turn it is, or else the next kind that has a place in the file.
      const turn = mutants.length % MUTATION_KINDS.length;
      const kinds = [...MUTATION_KINDS.slice(turn), ...MUTATION_KINDS.slice(0, turn)];
      const taken = new Set(mutants.filter((one) => one.file === file).map(({ offset }) => offset));
      for (const kind of kinds) {
        const places = placesOf(files.get(file), kind).filter(({ offset }) => !taken.has(offset));
        if (places.length === 0) continue;
        mutants.push({ file, kind, ...places[Math.floor(random() * places.length)] });
        break;
      }
    }
  }
  return mutants;
}

/** The source with a mutation applied. */
export function mutated(source, { offset, text, replacement }) {
  return source.slice(0, offset) + replacement + source.slice(offset + text.length);
}
