import type { ExampleName } from '../../src/protocol/exampleTexts.ts';
import type { Explanation, ModelInfo } from '../../src/core/trace.ts';
import { compact, integer } from '../parts/format.ts';
import { t } from '../strings.ts';
import { bestPredicted, FEWEST_LEFT, MOST_LEFT } from './stationChecks.ts';
import type { StationName } from './stationNames.ts';

/** What a station says. */
export interface StationTexts {
  /** Two sentences: what happens here, with this model's sizes. */
  readonly about: string;
  /** What to find or to do; empty where there is nothing that the panel could see done. */
  readonly task: string;
}

/** Names of the stations. */
export function stationNames(): Readonly<Record<StationName, string>> {
  return {
    tokens: t('Tokens'),
    vectors: t('Vectors'),
    positions: t('Positions'),
    attention: t('Attention'),
    layers: t('Layers'),
    logits: t('Logits'),
    sampling: t('Sampling'),
    loop: t('The loop'),
    scale: t('Sizes'),
  };
}

/** Names of the examples, by what each has to show. */
export function exampleNames(): Readonly<Record<ExampleName, string>> {
  const [apple, opinions, repeated] = [t('An apple and Apple'), t('Good, excellent, bad, terrible'), t('A line that comes twice')];
  return {
    catGirl: t('A cat girl, in Chinese'),
    apple,
    appleChinese: apple,
    opinions,
    opinionsChinese: opinions,
    repeated,
    repeatedChinese: repeated,
    code: t('A line of code'),
  };
}

/** What a station says about this model and text. */
export function stationTexts(name: StationName, explanation: Explanation): StationTexts {
  const { model } = explanation;
  switch (name) {
    case 'tokens':
      return {
        about: t(
          'A model reads neither letters nor words: the text is cut into tokens, pieces that are frequent in what it learned from. ' +
            'Each is one of the {0} entries of its vocabulary, and before each the model has said how likely it is.',
          integer(model.vocab),
        ),
        task: t('Find the token that surprised the model most, and select it: above, or in the table sorted by bits.'),
      };
    case 'vectors':
      return {
        about: t(
          'The number of a token picks a row of a table: a vector of {0} numbers, the same wherever the token stands. Training has ' +
            'made the vectors of tokens that are used alike point alike.',
          integer(model.dim),
        ),
        task: t('Find the two different tokens that are most alike in this map, and select one of them by a click on its row.'),
      };
    case 'positions':
      return positionTexts(model);
    case 'attention':
      return {
        about: t(
          'Here tokens read one another: a query is compared with the keys of all tokens up to its own, and softmax makes the ' +
            'scores weights that sum to 1. Each of the {0} heads of a layer looks for something of its own.',
          integer(model.heads),
        ),
        task: t('Find the head that looks back by one token: its line lies just below the diagonal. Choose it.'),
      };
    case 'layers':
      return {
        about: t(
          'Each of the {0} layers adds to the token’s vector: attention what it has read in other tokens, the MLP what it has ' +
            'learned in training. After every layer the vector can be read as a prediction, rough at first.',
          integer(model.layers),
        ),
        task: t('Open the layer from which on the prediction stays the one that the model ends with.'),
      };
    case 'logits': {
      const best = bestPredicted(explanation);
      return {
        about: t(
          'The last vector is compared with every token of the vocabulary: {0} scores, the logits. Softmax makes them ' +
            'probabilities that sum to 1.',
          integer(model.vocab),
        ),
        task:
          best === null
            ? ''
            : t(
                'Select a token after which the model had what really follows at rank {0}, its best in this text. ' +
                  'The list marks what follows.',
                integer(best.rank),
              ),
      };
    }
    case 'sampling':
      return {
        about: t(
          'The next token is drawn by these probabilities: the temperature makes them more or less equal, and top-k, top-p and ' +
            'min-p leave out what is unlikely. The model is not run again for that.',
        ),
        task: t('Move the sliders until {0} to {1} tokens are left to draw from.', FEWEST_LEFT, MOST_LEFT),
      };
    case 'loop':
      return {
        about: t(
          'The token that was drawn is appended, and all begins again; keys and values of the tokens before are kept, so that only ' +
            'the new one is computed. A model writes in no other way.',
        ),
        task: t('Let the model write a few tokens, select one of them, and take another candidate in its place.'),
      };
    default:
      name satisfies 'scale';
      return {
        about: t(
          'A larger model does all of this with more layers and longer vectors; this one has {0} parameters. In a series trained on ' +
            'the same data, such as Pythia, bits per byte fall about as a power of the number of parameters.',
          compact(model.parameters),
        ),
        task: t(
          'Read this text with other sizes too, and see which is the first to get each part. Pythia from 14M to 410M and Qwen3 0.6B ' +
            'are in the list of downloads.',
        ),
      };
  }
}

/** How this model tells where a token stands. */
function positionTexts({ positions }: ModelInfo): StationTexts {
  switch (positions) {
    case 'rotary':
      return {
        about: t(
          'By itself attention would read a text as a bag of tokens, in no order. So this model turns each query and key, two ' +
            'numbers at a time, by an angle that grows with its place.',
        ),
        task: t('Move the key away from the query until the fastest pair has turned by half a rotation.'),
      };
    case 'alibi':
      return {
        about: t(
          'By itself attention would read a text as a bag of tokens, in no order. So this model lowers each score by the distance ' +
            'between the two tokens, with a slope for each head.',
        ),
        task: t('Find the head that forgets soonest: the one whose scores fall fastest. Choose it.'),
      };
    case 'learned':
      return {
        about: t(
          'By itself attention would read a text as a bag of tokens, in no order. So this model adds a vector for each place, ' +
            'learned in training: see below how alike places close together are.',
        ),
        task: '',
      };
    case 'sinusoidal':
      return {
        about: t(
          'By itself attention would read a text as a bag of tokens, in no order. So this model adds sines and cosines of each ' +
            'place: see below how alike places close together are.',
        ),
        task: '',
      };
    default:
      positions satisfies 'none';
      return {
        about: t(
          'By itself attention would read a text as a bag of tokens, in no order. This model is told no places: it knows the order ' +
            'by the mask alone, as each token sees only what stands before it.',
        ),
        task: '',
      };
  }
}
