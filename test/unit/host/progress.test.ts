import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { inert } from '../../../src/core/inertText.ts';
import { itemOf } from '../../closeness.ts';
import { fakeVSCode, withEditor } from './fakeEditor.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => {
  vi.useRealTimers();
  vi.doUnmock('../../../src/host/vscode.ts');
  vi.doUnmock('#platform');
});

test('a notification is told of a work as often as is read, never that it goes back, and nothing after its end', async () => {
  const { api, notifications } = fakeVSCode({}, {});
  const { withProgress, shareTeller } = await withEditor(api, () => import('../../../src/host/surfaces.ts'));
  let tell: ReturnType<typeof shareTeller> = () => undefined;
  const answer = await withProgress(inert('Counting'), async (view) => {
    tell = shareTeller(view);
    // 400 small files in a second.
    for (let file = 0; file < 400; file++) {
      tell(inert(`file ${file}`), file / 400);
      vi.advanceTimersByTime(2.5);
    }
    tell(inert('last'), 1);
    return 'done';
  });
  tell(inert('too late'), 1);
  vi.advanceTimersByTime(1000);
  const { told } = itemOf(notifications, 0);
  const reports = told as readonly { readonly message: string; readonly increment: number }[];
  expect(answer).toBe('done');
  expect(reports.length).toBeGreaterThan(5);
  expect(reports.length).toBeLessThanOrEqual(12);
  expect(reports[0]).toEqual({ message: 'file 0', increment: 0 });
  let percent = 0;
  for (const { message, increment } of reports) {
    expect(increment).toBeGreaterThanOrEqual(0);
    percent += increment;
    // What was left out between two is in the share of the next.
    expect(percent).toBeCloseTo(message === 'last' ? 100 : Number(message.replace('file ', '')) / 4, 6);
  }
  expect(reports.at(-1)?.message).toBe('last');
});
