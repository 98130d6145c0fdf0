import { MARKER, WORDS } from '../unit/model/strangers.ts';
import type { Misbehaviour, ServedModel } from './hubServer.ts';

/** A response of a hub with hostile words in one field. */
export interface StrangeAnswer {
  readonly field: string;
  readonly model: ServedModel;
  readonly misbehave?: Misbehaviour;
  /** Where the words are shown: in a refusal, in the question before a download, or in the list of weights. */
  readonly shown: 'refusal' | 'question' | 'list';
}

/** Hostile words for an HTTP header, in which only control characters above 0x7f are allowed. */
const HEADER = `[Fix](command:${MARKER})$(sync~spin)\u009b`;
/** Hostile words that are a valid file name on every disk. */
const FILE = '$(sync~spin) [Fix] (command)';
const gguf = Buffer.from('GGUF and nothing more');

/** Hostile responses about the model `id`, with the words in each field that a hub sends. */
export function strangeAnswers(id: string, honest: ServedModel['files']): readonly StrangeAnswer[] {
  const lying = (field: string, lies: ServedModel['lies'], shown: StrangeAnswer['shown'] = 'refusal'): StrangeAnswer => ({
    field,
    model: { id, files: honest, ...(lies ? { lies } : {}) },
    shown,
  });
  const refusing = (field: string, status: number, headers: Readonly<Record<string, string>>): StrangeAnswer => ({
    ...lying(field, undefined),
    misbehave: { where: 'api', kind: 'status', status, headers },
  });
  return [
    lying('id', { id: WORDS }),
    lying('commit', { sha: WORDS }),
    lying('family', { config: { model_type: WORDS, architectures: [WORDS] }, tags: [WORDS] }, 'question'),
    lying('licence', { cardData: { license: WORDS } }, 'question'),
    lying('licence by name', { cardData: { license: 'other', license_name: WORDS, license_link: WORDS } }, 'question'),
    lying('gated', { gated: WORDS }, 'question'),
    lying('file name', { siblings: [{ rfilename: `${WORDS}.gguf`, size: 1, blobId: 'a'.repeat(40) }] }),
    lying('file name that leads out', { siblings: [{ rfilename: `../${WORDS}`, size: 1, blobId: 'a'.repeat(40) }] }),
    { field: 'names of weights', model: { id, files: { [`${FILE} a.gguf`]: gguf, [`${FILE} b.gguf`]: gguf } }, shown: 'list' },
    refusing('error', 418, { 'x-error-message': HEADER }),
    refusing('refused access', 403, { 'x-error-message': HEADER, 'x-error-code': HEADER }),
    refusing('gated message', 401, { 'x-error-message': HEADER, 'x-error-code': 'GatedRepo' }),
    { ...lying('redirect', undefined), misbehave: { where: 'api', kind: 'redirect', to: `command:${MARKER}` } },
  ];
}
