import { isRecord } from './records.ts';
import type {
  EdgeCut,
  HeadIntervention,
  Intervention,
  KeyCut,
  NeuronIntervention,
  PatternIntervention,
  ResidualIntervention,
  SteeringIntervention,
} from './run.ts';
import { msg, type Translatable } from './translatable.ts';

/** Largest size of a factor or another number of a recipe. */
export const MAX_FACTOR = 1e6;
/** Most numbers of a vector. */
const MAX_VALUES = 100_000;
/** Most characters of a wrong value that are shown. */
const MAX_SHOWN = 40;

/** Ends the reading with a problem. */
export type Fail = (problem: Translatable) => never;

/** Reads the fields of a step. */
interface Fields {
  readonly kind: unknown;
  readonly action: unknown;
  /** Which tokens. */
  readonly on: unknown;
  readonly fail: Fail;
  has(name: string): boolean;
  /** A whole number from 0. */
  place(name: string): number;
  number(name: string): number;
  /** A list of numbers. */
  values(): readonly number[];
  /** Refuses every other field. */
  only(...names: readonly string[]): void;
}

function fieldsOf(value: Readonly<Record<string, unknown>>, fail: Fail): Fields {
  const field = (name: string): unknown => (Object.hasOwn(value, name) ? value[name] : undefined);
  const isNumber = (given: unknown): given is number => typeof given === 'number' && Math.abs(given) <= MAX_FACTOR;
  return {
    kind: field('kind'),
    action: field('action'),
    on: field('on'),
    fail,
    has: (name) => field(name) !== undefined,
    place: (name) => {
      const given = field(name);
      if (!Number.isSafeInteger(given) || Number(given) < 0 || Object.is(given, -0))
        return fail(given === undefined ? msg`"${name}" is missing.` : msg`"${name}" is a whole number from 0, not ${shown(given)}.`);
      return Number(given);
    },
    number: (name) => {
      const given = field(name);
      return isNumber(given) ? given : fail(msg`"${name}" is a number from ${-MAX_FACTOR} to ${MAX_FACTOR}, not ${shown(given)}.`);
    },
    values: () => {
      const given = field('values');
      if (!Array.isArray(given) || given.length === 0 || given.length > MAX_VALUES || !given.every(isNumber))
        return fail(msg`"values" is a list of numbers from ${-MAX_FACTOR} to ${MAX_FACTOR}, not ${shown(given)}.`);
      return given.map(Number);
    },
    only: (...names) => {
      const other = Object.keys(value).find((name) => name !== 'kind' && name !== 'action' && !names.includes(name));
      if (other !== undefined) fail(msg`a step of this kind and action has no ${shown(other)}.`);
    },
  };
}

/** A copy of a step, with its fields in one order, as recipes are compared by their JSON; `fail` is told what is wrong with it. */
export function readStep(value: unknown, fail: Fail): Intervention {
  if (!isRecord(value)) return fail(msg`a step is an object such as {"kind": "head", "layer": 1, "head": 2, "action": "zero"}.`);
  const fields = fieldsOf(value, fail);
  switch (fields.kind) {
    case 'head':
      return { kind: 'head', layer: fields.place('layer'), head: fields.place('head'), ...readOutput(fields, 'layer', 'head') };
    case 'mlp':
      return { kind: 'mlp', layer: fields.place('layer'), ...readOutput(fields, 'layer') };
    case 'neuron':
      return { kind: 'neuron', layer: fields.place('layer'), neuron: fields.place('neuron'), ...readNeuron(fields) };
    case 'pattern':
      return readPattern(fields);
    case 'residual':
      return readResidual(fields);
    case 'steer':
      return readSteering(fields);
    case 'key':
    case 'edge':
      return readCut(fields, fields.kind);
    default:
      return fail(
        msg`the kind ${shown(fields.kind)} is unknown: there are "head", "mlp", "neuron", "pattern", "residual", "steer", "key" and \
"edge".`,
      );
  }
}

type OutputAction = Pick<HeadIntervention, 'token'> & WithoutPlace<HeadIntervention>;
type WithoutPlace<Step> = Step extends unknown ? Omit<Step, 'kind' | 'layer' | 'head' | 'neuron'> : never;

/** What is done to the output of a head or an MLP; `places`: the fields that say which. */
function readOutput({ action, fail, has, place, number, values, only }: Fields, ...places: readonly string[]): OutputAction {
  const at = has('token') ? { token: place('token') } : {};
  switch (action) {
    case 'zero':
      only(...places, 'token');
      return { ...at, action };
    case 'scale':
      only(...places, 'token', 'factor');
      return { ...at, action, factor: number('factor') };
    case 'mean':
      only(...places, 'token', 'values');
      return { ...at, action, ...(has('values') ? { values: values() } : {}) };
    case 'set':
      only(...places, 'token', 'values');
      return { ...at, action, values: values() };
    default:
      return fail(msg`the action of this kind is "zero", "scale", "mean" or "set", not ${shown(action)}.`);
  }
}

function readNeuron({ action, fail, number, only }: Fields): WithoutPlace<NeuronIntervention> {
  if (action !== 'zero' && action !== 'scale') return fail(msg`the action of this kind is "zero" or "scale", not ${shown(action)}.`);
  only('layer', 'neuron', ...(action === 'scale' ? ['factor'] : []));
  return action === 'zero' ? { action } : { action, factor: number('factor') };
}

function readPattern({ action, fail, place, only }: Fields): PatternIntervention {
  if (action !== 'previous' && action !== 'uniform')
    return fail(msg`the action of this kind is "previous" or "uniform", not ${shown(action)}.`);
  only('layer', 'head');
  return { kind: 'pattern', layer: place('layer'), head: place('head'), action };
}

function readResidual({ action, fail, has, place, number, values, only }: Fields): ResidualIntervention {
  if (action !== 'set' && action !== 'move') return fail(msg`the action of this kind is "set" or "move", not ${shown(action)}.`);
  const where = { kind: 'residual', layer: place('layer'), token: place('token') } as const;
  if (action === 'set' || !has('direction')) {
    only('layer', 'token', 'values');
    return { ...where, action, values: values() };
  }
  only('layer', 'token', 'direction', 'strength', 'values');
  const known = has('values') ? { values: values() } : {};
  return { ...where, action, direction: place('direction'), strength: number('strength'), ...known };
}

function readSteering({ action, on, fail, has, place, number, values, only }: Fields): SteeringIntervention {
  if (action !== 'add') return fail(msg`the action of this kind is "add", not ${shown(action)}.`);
  only('layer', 'values', 'strength', 'on', ...(on === undefined ? [] : ['prompt']));
  if (on !== undefined && on !== 'prompt' && on !== 'generated') return fail(msg`"on" is "prompt" or "generated", not ${shown(on)}.`);
  return {
    kind: 'steer',
    layer: place('layer'),
    action,
    values: values(),
    strength: number('strength'),
    ...(on === undefined ? {} : { on }),
    ...(has('prompt') ? { prompt: place('prompt') } : {}),
  };
}

function readCut({ action, fail, has, place, only }: Fields, kind: 'key' | 'edge'): KeyCut | EdgeCut {
  if (action !== 'cut') return fail(msg`the action of this kind is "cut", not ${shown(action)}.`);
  only('key', 'layer', 'head', ...(kind === 'edge' ? ['query'] : []));
  const key = place('key');
  const where = { ...(has('layer') ? { layer: place('layer') } : {}), ...(has('head') ? { head: place('head') } : {}) };
  if (kind === 'key') return { kind, key, ...where, action };
  const query = place('query');
  if (key >= query) fail(msg`"key" lies before "query": a token always sees itself, and never what comes after it.`);
  return { kind, query, key, ...where, action };
}

/** A wrong value as JSON, cut where it is long. */
export function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? typeof value);
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}
