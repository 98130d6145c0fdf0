import { t } from '../strings.ts';

/** A term of the field as the views write it, and what it means. */
export interface Term {
  /** Ways in which the display language writes it, the usual one first. */
  readonly names: readonly string[];
  /** Two sentences. */
  readonly meaning: string;
  /** Its formula; empty where it has none. */
  readonly formula: string;
}

/** `names`: separated by a bar, so that each language has as many ways to write a term as it needs. */
function term(names: string, meaning: string, formula = ''): Term {
  return { names: names.split('|').filter((name) => name !== ''), meaning, formula };
}

/** The glossary in the display language. */
export function glossary(): readonly Term[] {
  return [...streamAndAttention(), ...measures(), ...partsAndChanges()];
}

/** What flows through a model, and how it is read. */
function streamAndAttention(): readonly Term[] {
  return [
    term(
      t('residual stream|residual'),
      t(
        'The vector that a token carries through all layers. Each attention and each MLP reads it and adds something ' +
          'to it; nothing else carries what a layer has found to later ones.',
      ),
      'x ← x + f(norm(x))',
    ),
    term(
      t('query|queries'),
      t(
        'What a token looks for in others, as a vector made from its residual. Its dot product with a key says how ' +
          'much of that key’s token is read.',
      ),
      'q = W_Q x',
    ),
    term(
      t('key|keys'),
      t('What a token offers to be found by, as a vector made from its residual. Queries of later tokens are compared with it.'),
      'k = W_K x',
    ),
    term(
      t('value vector|values'),
      t('What a token hands over when it is read. A head’s output is the sum of the values it reads, each times its attention weight.'),
      'v = W_V x;  z = Σ a_j v_j',
    ),
    term(
      t('attention weight|attention weights'),
      t('The share of one token in what a head reads. The weights of a row are positive and sum to 1, an attention sink included.'),
      'a = softmax(q·k ÷ √d)',
    ),
    term(
      t('softmax'),
      t('Turns any scores into positive shares that sum to 1. A score larger by 1 gets a share larger by the factor 2.72.'),
      'softmax(s)_i = e^(s_i) ÷ Σ e^(s_j)',
    ),
    term(
      t('logits|logit'),
      t(
        'The model’s raw score for a token to come next, any number. Only differences between logits matter: softmax ' +
          'makes them probabilities.',
      ),
      'logits = W_U norm(x)',
    ),
    term(
      t('unembedding'),
      t(
        'The matrix that compares the last vector with every token of the vocabulary. In many models it is the table ' +
          'of embeddings, used again.',
      ),
      'logits = W_U x',
    ),
    term(
      t('logit lens'),
      t(
        'Reads a residual in the middle of the model as if it were the last: final norm, unembedding, softmax. Early ' +
          'layers need not mean their vectors for that, so early readings are hints.',
      ),
      'softmax(W_U norm(x_layer))',
    ),
    term(
      t('RMSNorm'),
      t(
        'Brings a vector to a common size: its numbers are divided by the root of their mean square, then each is ' +
          'multiplied by a learned weight. The next step always reads numbers of a common size.',
      ),
      'y = x ÷ √(mean(x²) + ε) × w',
    ),
    term(
      t('LayerNorm'),
      t(
        'Takes the mean away from a vector’s numbers and divides by their standard deviation, then scales and shifts ' +
          'each by learned weights. The next step always reads numbers of a common size.',
      ),
      'y = (x − mean) ÷ √(var + ε) × w + b',
    ),
  ];
}

/** Measures of a text and of predictions. */
function measures(): readonly Term[] {
  return [
    term(t('surprisal'), t('How unexpected a token was to the model, in bits. One bit more means half as likely.'), '−log₂ p(token)'),
    term(
      t('entropy'),
      t(
        'How uncertain a distribution is, in bits: the surprisal to be expected on average. 0 bits means sure of one ' +
          'token; 10 bits, as uncertain as between 1,024 equally likely ones.',
      ),
      'H = −Σ p log₂ p',
    ),
    term(
      t('bits/token'),
      t('The mean surprisal of the text’s tokens: lower means better predicted. Two to this power is the perplexity.'),
      'Σ −log₂ p ÷ tokens',
    ),
    term(
      t('KL divergence|KL'),
      t('How many bits a distribution loses when another stands in for it. It is 0 where both are the same, and never negative.'),
      'KL(p‖q) = Σ p log₂(p ÷ q)',
    ),
    term(
      t('temperature'),
      t('Divides all logits before the softmax. Below 1 likely tokens become likelier still; above 1 unlikely ones gain.'),
      'p = softmax(logits ÷ T)',
    ),
    term(t('top-k'), t('Keeps only the k likeliest tokens. The others get probability 0, and the rest is scaled to sum to 1.')),
    term(
      t('top-p'),
      t(
        'Keeps the likeliest tokens until their probabilities together reach p (nucleus sampling). Sure predictions ' +
          'keep few tokens, unsure ones many.',
      ),
    ),
    term(
      t('min-p'),
      t('Keeps the tokens that are at least this fraction as likely as the likeliest one. The bar moves with how sure the model is.'),
      'p ≥ min-p × max p',
    ),
    term(
      t('induction'),
      t('A head that, at a repeated token, looks at what followed it the last time. It is how models copy and continue patterns.'),
      '… A B … A → B',
    ),
    term(
      t('attention sink|sink'),
      t('A place to look at when a head has nothing to read, most often the first token. Weight that goes there brings next to nothing.'),
    ),
    term(
      t('float32'),
      t(
        'Numbers of 32 bits, with about seven decimal digits. Weights may be stored in fewer bits; here all arithmetic ' +
          'is done in float32.',
      ),
    ),
  ];
}

/** Parts of a model, and what is done to it. */
function partsAndChanges(): readonly Term[] {
  return [
    term(
      t('embedding'),
      t('The vector with which a token enters the model: its row in a learned table. Tokens used alike have rows that point alike.'),
      'x₀ = E[token]',
    ),
    term(
      t('MLP'),
      t(
        'Two matrices with a bend between them, applied to each token by itself. It recognises patterns in the vector ' +
          'and adds what it has learned about them.',
      ),
      'W_down act(W_up x)',
    ),
    term(
      t('experts|expert'),
      t('Several MLPs of which a router picks a few for each token. The model knows more than it computes with.'),
      'Σ g_i MLP_i(x)',
    ),
    term(
      t('cosine'),
      t('How alike two vectors point, whatever their lengths. 1 is the same direction, 0 a right angle, −1 the opposite.'),
      'a·b ÷ (|a| |b|)',
    ),
    term(
      t('rotary positions|RoPE'),
      t('Queries and keys are turned by an angle that grows with their place. Their dot product then depends on how far apart they are.'),
      'q·R(j − i)k',
    ),
    term(
      t('KV cache'),
      t(
        'Keys and values of all earlier tokens, kept so that a new token is computed alone. It is what makes ' +
          'generating fast, and what grows with the text.',
      ),
    ),
    term(
      t('greedy'),
      t('Always the likeliest token, without chance. The same text then gives the same continuation, often a repetitive one.'),
      'argmax p',
    ),
    term(
      t('principal components|PCA'),
      t(
        'The directions in which a set of vectors differs most, at right angles to each other. A picture shows the ' +
          'first two or three; how much they leave out is told beside it.',
      ),
    ),
    term(
      t('direct logit attribution'),
      t(
        'Splits a logit into what each head and MLP put into the last residual. Norms are held at the scale they had, ' +
          'so that the parts sum to the logit.',
      ),
      'logit = Σ u·part',
    ),
    term(
      t('activation patching|patching'),
      t(
        'Puts a part’s output from one text into the run of another, and sees what returns. It finds the parts that make ' +
          'the difference.',
      ),
    ),
    term(
      t('steering'),
      t('Adds a vector to the residual while the model runs. Texts then lean towards what the vector stands for.'),
      'x ← x + strength × v',
    ),
    term(
      t('intervention|interventions'),
      t(
        'A change made inside the model while it runs, such as switching a head off. What becomes of a prediction ' +
          'shows what the part was for.',
      ),
    ),
    term(t('gradient'), t('How much a number would change if another changed a little. It is exact for tiny changes only.'), '∂logit ÷ ∂x'),
    term(
      t('vocabulary'),
      t('All tokens that the model knows, each with a number. Any text can be written with them, rare words in pieces.'),
    ),
  ];
}
