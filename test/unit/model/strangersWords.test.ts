import { expect, it } from 'vitest';
import { messageOf, userSentence, UserError } from '../../../src/core/errors.ts';
import { inert, inertEnglish, inertSentence } from '../../../src/core/inertText.ts';
import { asFolder } from '../../../src/model/formats/asFolder.ts';
import { describeModel } from '../../../src/model/describeModel.ts';
import type { ModelFiles } from '../../../src/model/formats/modelFiles.ts';
import { openTokenizer } from '../../../src/model/tokenizer/textTokenizer.ts';
import { linksAndIcons, UNSEEN } from '../core/vscodeMarks.ts';
import { filesOf, folder } from './folder.ts';
import { BUNDLED, strangeGgufs, strangeTemplates, strangeTexts, type Stranger } from './strangers.ts';

/** What is said of a model, as thrown and as the host shows it. */
interface Said {
  readonly raw: readonly string[];
  readonly shown: readonly string[];
}

async function saidOf(files: ModelFiles): Promise<Said> {
  const raw: string[] = [];
  const shown: string[] = [];
  const refusal = (error: unknown): void => {
    expect(error, messageOf(error)).toBeInstanceOf(UserError);
    if (!(error instanceof UserError)) return;
    raw.push(error.message);
    shown.push(inertSentence(userSentence(error, inertEnglish)));
  };
  try {
    const { family, weightType } = await describeModel(await asFolder(files));
    raw.push(family, weightType);
    shown.push(inert(family), inert(weightType));
  } catch (error) {
    refusal(error);
  }
  await asFolder(files)
    .then((read) => openTokenizer(read, 16_384))
    .then((tokenizer) => (tokenizer.hasChat ? tokenizer.encodeChatFirst('a', 64) : undefined))
    .catch(refusal);
  return { raw, shown };
}

function expectInert(all: readonly Said[]): void {
  for (const sentence of all.flatMap(({ shown }) => shown)) {
    expect(linksAndIcons(sentence), sentence).toEqual([]);
    expect(sentence).not.toMatch(UNSEEN);
    expect(sentence.length).toBeLessThan(2000);
  }
}

const ofFolder = ({ files }: Stranger): Promise<Said> => saidOf(folder(BUNDLED, files));
/** Sentences in which the words stand as the stranger wrote them. Without any, a test of their end would prove nothing. */
const acting = (all: readonly Said[]): readonly string[] =>
  all.flatMap(({ raw }) => raw).filter((sentence) => linksAndIcons(sentence).length > 0);

async function saidOfAll(strangers: readonly Stranger[], of: (stranger: Stranger) => Promise<Said>): Promise<readonly Said[]> {
  const all: Said[] = [];
  for (const stranger of strangers) all.push(await of(stranger));
  return all;
}

it('what any field of config.json, tokenizer.json and tokenizer_config.json holds comes out inert', async () => {
  const all = await saidOfAll(strangeTexts(), ofFolder);
  expect(all.length).toBeGreaterThan(200);
  expect(acting(all).length).toBeGreaterThan(20);
  expectInert(all);
});

it.each(strangeTemplates())('a chat template that raises, or is none: $field', async (stranger) => {
  const said = await ofFolder(stranger);
  expect(said.raw.some((sentence) => sentence.includes('chat template'))).toBe(true);
  expectInert([said]);
});

it('what a GGUF file holds comes out inert: values, keys, names of tensors, and its own name', async () => {
  const all = await saidOfAll(strangeGgufs(), ({ files }) => saidOf(filesOf(files)));
  expect(acting(all).length).toBeGreaterThan(5);
  expectInert(all);
});
