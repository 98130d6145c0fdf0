// The drawing of the folders and their imports, between two markers in CONTRIBUTING.md. `npm run drawing` writes it; a test compares.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { ROOT } from './lib/paths.mjs';

const PAGE = join(ROOT, 'CONTRIBUTING.md');
const MARKERS = ['<!-- drawing -->', '<!-- /drawing -->'];
/** `import … from 'x'`, `export … from 'x'`, `import 'x'` and `import('x')`. */
const IMPORT = /^(?:import|export)\b(?:[^;'"`]*\bfrom)?\s*'([^'\n]+)'|\bimport\('([^'\n]+)'\)/gm;

const byCode = (a, b) => (a < b ? -1 : 1);
const isSource = (name) => name.endsWith('.ts') && !name.endsWith('.d.ts');
/** The room of a file: a folder of src, or webview; null for files outside of both. */
const roomOf = (file) => (file.startsWith('webview/') ? 'webview' : (/^src\/([^/]+)\//.exec(file)?.[1] ?? null));

/**
 * Text of the drawing: a diagram of the rooms and the imports between them, and the folders inside each. It has no counts, so that it
 * changes only when rooms, folders or arrows do.
 */
export function drawing() {
  const files = ['src', 'webview'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter(isSource)
      .map((file) => `${folder}/${file.replaceAll('\\', '/')}`),
  );
  const arrows = new Set();
  for (const file of files) {
    const from = roomOf(file);
    const source = readFileSync(join(ROOT, file), 'utf8');
    const rooms = Array.from(source.matchAll(IMPORT), (match) => match[1] ?? match[2] ?? '')
      .filter((name) => name.startsWith('.'))
      .map((name) => roomOf(relative(ROOT, resolve(ROOT, dirname(file), name)).replaceAll('\\', '/')));
    for (const to of rooms) if (from !== null && to !== null && from !== to) arrows.add(`  ${from} --> ${to}`);
  }
  const rooms = [...new Set(files.map(roomOf))].filter((room) => room !== null).toSorted(byCode);
  const title = (room) => (room === 'webview' ? room : `src/${room}`);
  const inside = (room) => {
    const below = files.filter((file) => file.startsWith(`${title(room)}/`)).map((file) => dirname(file.slice(title(room).length + 1)));
    const folders = [...new Set(below)].filter((folder) => folder !== '.').toSorted(byCode);
    return folders.map((folder) => `\`${folder}/\``).join(', ');
  };
  return [
    '```mermaid',
    'flowchart TD',
    ...rooms.map((room) => `  ${room}["${title(room)}"]`),
    ...[...arrows].toSorted(byCode),
    '```',
    '',
    'An arrow runs from a folder to one that it imports. Folders inside:',
    '',
    ...rooms.filter((room) => inside(room) !== '').map((room) => `- **${title(room)}**: ${inside(room)}`),
  ].join('\n');
}

/** `page` with the current drawing between its markers. Throws where a marker is missing. */
export function withDrawing(page) {
  const [start, end] = MARKERS.map((marker) => page.indexOf(marker));
  if (start < 0 || end < start) throw new Error(`CONTRIBUTING.md lacks ${MARKERS.join(' and ')}.`);
  return `${page.slice(0, start + MARKERS[0].length)}\n\n${drawing()}\n\n${page.slice(end)}`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(PAGE, withDrawing(readFileSync(PAGE, 'utf8')));
