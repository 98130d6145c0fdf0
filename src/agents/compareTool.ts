import { alignIds } from '../core/alignment.ts';
import { compareSpans, divergenceInParts, textTotals, type ComparedSpan } from '../core/comparison.ts';
import { surprisalBits } from '../core/probability.ts';
import { at } from '../core/tensor.ts';
import type { Explanation, Token } from '../core/trace.ts';
import { CHAT, modelTool, MOST_TEXT_UNITS, readPart, stopIfAborted } from './agentTool.ts';
import { answerOf } from './toolAnswer.ts';
import { textArgument } from './toolArguments.ts';

/** Two texts read by one model, token by token. */
export const compareTool = modelTool(
  {
    name: 'compare_texts',
    title: 'Compare two texts',
    description:
      'How a local language model reads two texts: bits per byte of each, how far apart their next-token distributions are (KL ' +
      'divergence of the second from the first, in bits), which tokens both share although what stands before them makes them more ' +
      'or less likely, and which tokens only one of them has.',
  },
  {
    text: textArgument('The first text.', MOST_TEXT_UNITS),
    other: textArgument('The second text.', MOST_TEXT_UNITS),
    chat: CHAT,
  },
  async (model, { text, other, chat }, call) => {
    call.tell('Reading the first text');
    const a = await model.explain({ text, topK: 1, chat });
    stopIfAborted(call);
    call.tell('Reading the second text');
    const b = await model.explain({ text: other, topK: 1, chat });
    const spans = alignIds(a.run.ids, b.run.ids);
    const divergence = await divergenceInParts(
      spans,
      a.tokens,
      b.tokens,
      async (positions, theirs) => {
        stopIfAborted(call);
        return (await model.ask(a.run, 'divergence', { positions, other: { kind: 'run', run: b.run, positions: theirs } })).bits;
      },
      (share) => call.tell(`Comparing distributions: ${Math.floor(100 * share)} %`),
    );
    const compared = compareSpans(spans, a, b);
    const shared = compared
      .map((span, index) => ({ ...sharedRow(span, a), kl: at(divergence.spans, index) }))
      // Of what only one side has, there is no difference.
      .filter(({ difference }) => !Number.isNaN(difference))
      .toSorted((one, two) => Math.abs(two.difference) - Math.abs(one.difference) || one.index - two.index);
    return answerOf(
      { model: a.model.name, first: totalsOf(a), second: totalsOf(b), finalKl: divergence.final },
      {
        shared,
        firstOnly: compared
          .filter(({ aStart, aEnd, bStart, bEnd }) => bStart === bEnd && aStart < aEnd)
          .flatMap((s) => alone(a, s.aStart, s.aEnd)),
        secondOnly: compared
          .filter(({ aStart, aEnd, bStart, bEnd }) => aStart === aEnd && bStart < bEnd)
          .flatMap((s) => alone(b, s.bStart, s.bEnd)),
      },
    );
  },
);

function totalsOf(side: Explanation): object {
  const { predicted, bits, bitsPerByte } = textTotals(side);
  return { ...readPart(side), predicted, bits, bitsPerByte };
}

function sharedRow({ aStart, aBits, bBits, difference }: ComparedSpan, { tokens }: Explanation) {
  return { index: aStart, text: tokens[aStart]?.text ?? '', firstBits: aBits, secondBits: bBits, difference };
}

function alone({ tokens, logprob }: Explanation, from: number, to: number): readonly object[] {
  return tokens.slice(from, to).map(({ index, text }: Token) => ({ index, text, bits: surprisalBits(at(logprob, index)) }));
}
