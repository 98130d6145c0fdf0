import { CancelledError } from '../../core/errors.ts';
import { t } from '../say.ts';
import { shareTeller, type Progress } from '../surfaces.ts';

/** Tells a notification how many questions are answered. Throws CancelledError once `signal` is aborted. */
export function questionsTeller(view: Progress, signal: AbortSignal): (done: number, total: number) => void {
  const tell = shareTeller(view);
  return (done, total) => {
    if (signal.aborted) throw new CancelledError();
    tell(t('{0} of {1} questions', done, total), total === 0 ? 1 : done / total);
  };
}
