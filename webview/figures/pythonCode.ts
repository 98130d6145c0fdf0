import { pythonString } from '../../src/core/pythonString.ts';
import type { Explanation } from '../../src/core/trace.ts';
import type { VectorFrame } from '../../src/core/vectors.ts';

/** The run that a piece of code makes again: the model's name and the text's tokens. */
export type CodeRun = Pick<Explanation, 'model' | 'run'>;

/**
 * Whether transformers' own outputs are what the panel shows of this run: not with interventions, and not in a model with layers that have
 * no attention weights, for which it has no outputs.
 */
export function hasCode({ model, run }: CodeRun): boolean {
  return run.recipe.length === 0 && model.traits?.layers.some(({ recurrence }) => recurrence !== undefined) !== true;
}

/** Python that computes the attention of a head by transformers, [query, key]; of one query, [query + 1], where it is given. */
export function attentionCode(of: CodeRun, { layer, head, query }: { layer: number; head: number; query?: number }): string {
  const what = query === undefined ? 'rows are queries, columns are keys' : `from token ${query} to each token up to it`;
  return program(of, `Attention weights of layer ${layer}, head ${head}: ${what}.`, 'output_attentions=True', [
    `result = out.attentions[${layer}][0, ${head}${query === undefined ? '' : `, ${query}, : ${query + 1}`}]`,
  ]);
}

/**
 * Python that computes the cosine of every pair of tokens at the input of block `layer`; null where transformers' hidden states are not the
 * residual stream: the static table, and after the last block, where its last ones are normed.
 */
export function cosineCode(of: CodeRun, layer: number, frame: VectorFrame): string | null {
  if (layer < 0 || layer >= of.model.layers) return null;
  const less = frame === 'centred' ? ', less their mean without the first' : '';
  return program(of, `Cosines of the tokens' vectors at the input of block ${layer}${less}.`, 'output_hidden_states=True', [
    `vectors = out.hidden_states[${layer}][0]`,
    ...(frame === 'centred' ? ['vectors = vectors - vectors[1:].mean(0)'] : []),
    'vectors = vectors / vectors.norm(dim=1, keepdim=True)',
    'result = vectors @ vectors.T',
  ]);
}

/** Python that computes the likeliest next tokens after `position`, best first: their probabilities, [count], and as `ids` their ids. */
export function nextTokenCode(of: CodeRun, position: number, count: number): string {
  return program(of, `Probabilities of the ${count} likeliest tokens after token ${position}, best first; ids: their ids.`, '', [
    `result, ids = out.logits[0, ${position}].softmax(0).topk(${count})`,
  ]);
}

/** A program that runs the model over the tokens, ending with `result`. `outputs`: what the model is asked for besides the logits. */
function program({ model, run }: CodeRun, title: string, outputs: string, lines: readonly string[]): string {
  return `${[
    `# ${title}`,
    'import torch',
    'from transformers import AutoModelForCausalLM',
    '',
    `MODEL = ${pythonString(model.name)}  # its folder in Hugging Face layout, or its id on the hub`,
    'model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32, attn_implementation="eager")',
    `ids = torch.tensor([[${Array.from(run.ids).join(', ')}]])`,
    'with torch.no_grad():',
    `    out = model(${['ids', ...(outputs === '' ? [] : [outputs])].join(', ')})`,
    ...lines,
    'print(result)',
  ].join('\n')}\n`;
}
