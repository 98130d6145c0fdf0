import { activationRules } from './gradientActivations.ts';
import { arithmeticRules, heldScaleRules, type Rule } from './gradientRules.ts';
import { shapeRules } from './gradientShapes.ts';
import { stateRules } from './gradientStates.ts';
import type { GraphNode, OnnxGraph } from './onnx.ts';

// Reverse mode (Linnainmaa 1976): the gradient of a value is the sum, over the operators that read it, of what each makes of its
// own output's gradient.

const RULES: Readonly<Record<string, Rule>> = { ...arithmeticRules, ...activationRules, ...shapeRules, ...stateRules };

/**
 * Operators whose outputs change in steps, or not at all: nothing flows back through them, as in PyTorch. Which experts are the
 * best is one of these.
 */
const CONSTANT: ReadonlySet<string> = new Set(['Shape', 'Cast', 'OneHot']);

/**
 * Adds to the graph the operators that make the gradients of one number with respect to the values of the graph.
 * `seeds`: by value, and of its shape, the number's gradient with respect to that value by ways that lead out of the graph.
 * `sources`: the inputs that the gradient is wanted for; everything that does not depend on them, such as weights, masks and positions,
 * is a constant.
 * `direct`: what flows in a straight line alone, with the scale of every norm held fixed, and no further than the values `ends`.
 * Returns the gradient of each value between the two, `sources` among them, by the value. Throws for an operator without a rule,
 * and names it.
 */
export function addGradients(
  graph: OnnxGraph,
  seeds: ReadonlyMap<string, string>,
  sources: readonly string[],
  direct: { readonly ends: ReadonlySet<string> } | null = null,
): ReadonlyMap<string, string> {
  const rules: Readonly<Record<string, Rule>> = direct === null ? RULES : { ...RULES, ...heldScaleRules };
  const nodes = [...graph.nodes];
  const dependent = dependentOn(sources, nodes);
  const parts = new Map([...seeds].map(([value, seed]) => [value, [seed]]));
  const gradients = new Map<string, string>();
  /** All that reads the value comes after what makes it, so that here the sum is whole. */
  const total = (value: string): string | null => {
    const [first, ...rest] = parts.get(value) ?? [];
    if (first === undefined) return null;
    const sum = rest.length === 0 ? first : graph.op('Sum', [first, ...rest]);
    gradients.set(value, sum);
    return sum;
  };
  for (const node of nodes.toReversed()) {
    const outputs = node.outputs.map(total);
    const needed = node.inputs.map((input) => dependent.has(input));
    if (direct !== null && node.outputs.some((output) => direct.ends.has(output))) continue;
    if (outputs.every((gradient) => gradient === null) || CONSTANT.has(node.operator) || !needed.includes(true)) continue;
    const rule = rules[node.operator];
    if (rule === undefined) throw new Error(`The operator ${node.operator} has no rule for its gradient.`);
    for (const [index, gradient] of rule({ graph, node, outputs, needed }).entries()) {
      const input = node.inputs[index];
      if (gradient === null || input === undefined || needed[index] !== true) continue;
      const known = parts.get(input);
      if (known === undefined) parts.set(input, [gradient]);
      else known.push(gradient);
    }
  }
  sources.forEach(total);
  return gradients;
}

function dependentOn(sources: readonly string[], nodes: readonly GraphNode[]): ReadonlySet<string> {
  const dependent = new Set(sources);
  for (const { operator, inputs, outputs } of nodes) {
    if (CONSTANT.has(operator) || !inputs.some((input) => dependent.has(input))) continue;
    for (const output of outputs) dependent.add(output);
  }
  return dependent;
}
