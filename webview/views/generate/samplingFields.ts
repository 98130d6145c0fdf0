import { MAX_TEMPERATURE, type Settings } from '../../viewSettings.ts';
import { segmented } from '../../parts/controls.ts';
import { numberField } from '../../parts/numberField.ts';
import { t } from '../../strings.ts';

/** Fields of how tokens are drawn, whether here or by an engine. `mostTokens`: the largest limit of new tokens. */
export function samplingFields(change: (settings: Partial<Settings>) => void, mostTokens: number) {
  return {
    mode: segmented<'greedy' | 'sampling'>(
      t('How tokens are chosen'),
      [
        ['greedy', t('Greedy')],
        ['sampling', t('Sampling')],
      ],
      (value) => change({ greedy: value === 'greedy' }),
    ),
    temperature: numberField(t('Temperature'), { min: 0, max: MAX_TEMPERATURE, step: 0.1 }, (value) => change({ temperature: value })),
    topP: numberField('Top-p', { min: 0, max: 1, step: 0.05 }, (value) => change({ topP: value })),
    seed: numberField(t('Seed'), { min: 0, max: Number.MAX_SAFE_INTEGER, step: 1, whole: true }, (value) => change({ seed: value })),
    limit: numberField(t('New tokens at most'), { min: 1, max: mostTokens, step: 1, whole: true }, (value) => change({ newTokens: value })),
  };
}
