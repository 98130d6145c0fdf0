import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { drawing, withDrawing } from '../../scripts/houseDrawing.mjs';

it('CONTRIBUTING shows the folders and their imports as they are: `npm run drawing` writes them', () => {
  const page = readFileSync('CONTRIBUTING.md', 'utf8');
  expect(withDrawing(page)).toBe(page);
});

it('draws what is there, and no arrow that runs back', () => {
  const arrows = Array.from(drawing().matchAll(/^ {2}(\w+) --> (\w+)$/gm), ([, from, to]) => `${from} ${to}`);
  expect(arrows).toContain('model core');
  expect(arrows).toContain('webview protocol');
  expect(arrows.filter((arrow) => arrows.includes(arrow.split(' ').toReversed().join(' ')))).toEqual([]);
});

it('CONTRIBUTING and the decisions name files that are there', () => {
  const pages = ['CONTRIBUTING.md', ...readdirSync('docs/decisions').map((page) => `docs/decisions/${page}`)];
  const named = pages.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/`([\w/.-]+\/[\w.-]+\.(?:ts|mjs|py))`/g)].map(([, path]) => path ?? ''),
  );
  expect(named.length).toBeGreaterThan(10);
  // A path is given from the top, from src, or from a folder of src that the sentence is about.
  const places = ['.', 'src', 'src/model'];
  expect(named.filter((path) => !places.some((place) => existsSync(`${place}/${path}`)))).toEqual([]);
});

it('has a page in the list for every decision, with its context and consequences', () => {
  const pages = readdirSync('docs/decisions').filter((page) => page !== 'README.md');
  const list = readFileSync('docs/decisions/README.md', 'utf8');
  expect(Array.from(list.matchAll(/\]\(([^)]+)\)/g), ([, page]) => page)).toEqual(pages);
  for (const page of pages) {
    const headings = [...readFileSync(`docs/decisions/${page}`, 'utf8').matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    expect([page, ...headings]).toEqual([page, 'Context', 'Decision', 'Consequences']);
  }
});

it('refuses a page without its place', () => {
  expect(() => withDrawing('no markers')).toThrow(/lacks <!-- drawing -->/);
});
