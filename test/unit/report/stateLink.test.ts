import { describe, expect, test } from 'vitest';
import { linkQuery, parseLink } from '../../../src/report/stateLink.ts';

const REPORT = 'file:///home/someone/keeper.tokens.html';

describe('a link to a place in a report', () => {
  test('leads back to the place that it was made of', () => {
    const query = linkQuery(REPORT, { tab: 'attention', layer: 2, head: 5, selected: 8, notes: 'private' });
    expect(query).not.toContain('private');
    expect(parseLink(query)).toEqual({ report: REPORT, place: { tab: 'attention', layer: 2, head: 5, token: 8 } });
  });

  test.each([
    'file://share.example/keeper.tokens.html',
    'file:////share.example/keeper.tokens.html',
    'file:///%2Fshare.example/keeper.tokens.html',
    'file:///%5c%5cshare.example/keeper.tokens.html',
    'https://example.org/keeper.tokens.html',
    'file:///home/someone/keeper.html',
    `file:///${'a'.repeat(5000)}.tokens.html`,
    '',
  ])('to %s is none', (report) => {
    expect(parseLink(new URLSearchParams({ report }).toString())).toBeUndefined();
  });

  test('leaves out what is no place', () => {
    const query = new URLSearchParams({ report: REPORT, tab: '<b>', layer: '-1', head: '1e9', token: '99999999' });
    expect(parseLink(query.toString())).toEqual({ report: REPORT, place: {} });
  });
});
