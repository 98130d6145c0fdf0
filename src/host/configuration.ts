import { vscode } from './vscode.ts';
import { DEFAULT_SURPRISAL_SCALE, SURPRISAL_SCALES, type SurprisalScale } from '../core/surprisalScale.ts';
import { DEFAULT_SURPRISING, surprisingRule, type SurprisingRule } from '../core/surprising.ts';
import { EXECUTION_PROVIDERS, RUNTIME_CHOICES, type ExecutionProvider, type RuntimeChoice } from '../core/runtimeChoice.ts';

const SECTION = 'explainTokens';
/** Requests open at an engine at once where nothing else is set, and most that can be set. */
const DEFAULT_REQUESTS = 8;
const MOST_REQUESTS = 64;

/** Values of the settings. `model` and `nativeRuntime` are paths as the user wrote them, empty if not set. */
export interface Settings {
  readonly model: string;
  readonly runtime: RuntimeChoice;
  readonly nativeRuntime: string;
  readonly executionProvider: ExecutionProvider;
  readonly colors: boolean;
  readonly surprisalScale: SurprisalScale;
  /** Tokens of a whole file from the begin of a window to that of the next; 0: half a window. */
  readonly stride: number;
  /** Whether Markdown files are read as a whole without their fenced code blocks. */
  readonly proseOnly: boolean;
  /** Which tokens of a whole file are marked and gone to. */
  readonly surprising: SurprisingRule;
  /** Whether lines of a whole file have their bits behind their ends. */
  readonly lineSums: boolean;
  /** Candidates kept per position. */
  readonly candidates: number;
  /** Models that engines elsewhere serve: addresses as the user wrote them, behind `#` the model's name where there are several. */
  readonly engines: readonly string[];
  /** Requests that are open at an engine at once. */
  readonly engineRequests: number;
  /** URL of the model hub as the user wrote it; empty if not set. */
  readonly hubEndpoint: string;
  /** Whether agents that ask servers alone are offered one. */
  readonly mcpServer: boolean;
}

/** Reads the settings; a value of a wrong type or out of range counts as not set. */
export function readSettings(): Settings {
  const section = vscode.workspace.getConfiguration(SECTION);
  const model: unknown = section.get('model');
  const runtime: unknown = section.get('runtime');
  const nativeRuntime: unknown = section.get('nativeRuntime');
  const executionProvider: unknown = section.get('executionProvider');
  const stride: unknown = section.get('stride');
  const surprising: unknown = section.get('surprising');
  const candidates: unknown = section.get('candidates');
  const hubEndpoint: unknown = section.get('hubEndpoint');
  const engines: unknown = section.get('engines');
  const engineRequests: unknown = section.get('engineRequests');
  return {
    model: typeof model === 'string' ? model.trim() : '',
    runtime: RUNTIME_CHOICES.find((choice) => choice === runtime) ?? 'auto',
    nativeRuntime: typeof nativeRuntime === 'string' ? nativeRuntime.trim() : '',
    executionProvider: EXECUTION_PROVIDERS.find((provider) => provider === executionProvider) ?? 'cpu',
    colors: section.get('colors') !== false,
    surprisalScale: SURPRISAL_SCALES.find((scale) => scale === section.get('surprisalScale')) ?? DEFAULT_SURPRISAL_SCALE,
    stride: typeof stride === 'number' && Number.isInteger(stride) && stride > 0 ? stride : 0,
    proseOnly: section.get('proseOnly') === true,
    surprising: (typeof surprising === 'string' ? surprisingRule(surprising) : undefined) ?? DEFAULT_SURPRISING,
    lineSums: section.get('lineSums') === true,
    candidates: typeof candidates === 'number' && candidates >= 1 && candidates <= 50 ? Math.round(candidates) : 10,
    engines: Array.isArray(engines)
      ? engines.flatMap((one: unknown) => (typeof one === 'string' && one.trim() !== '' ? [one.trim()] : []))
      : [],
    engineRequests:
      typeof engineRequests === 'number' && engineRequests >= 1 && engineRequests <= MOST_REQUESTS
        ? Math.round(engineRequests)
        : DEFAULT_REQUESTS,
    hubEndpoint: typeof hubEndpoint === 'string' ? hubEndpoint.trim() : '',
    mcpServer: section.get('mcpServer') === true,
  };
}

/** Writes one of the user's global settings. */
export async function writeSetting(
  name: 'model' | 'colors' | 'surprisalScale' | 'lineSums' | 'engines',
  value: string | boolean | readonly string[],
): Promise<void> {
  const isDefault = value === '' || (Array.isArray(value) && value.length === 0);
  await vscode.workspace.getConfiguration(SECTION).update(name, isDefault ? undefined : value, vscode.ConfigurationTarget.Global);
}

/**
 * Calls `listener` when one of the settings `names` has another value. While a window starts, VS Code may change a setting without saying
 * that its event is about it, and it tells of settings that are as they were: only their values say what changed.
 */
export function onSettingChange(names: readonly (keyof Settings)[], listener: () => void): vscode.Disposable {
  const values = (): string => {
    const section = vscode.workspace.getConfiguration(SECTION);
    return JSON.stringify(names.map((name) => section.get(name)));
  };
  let known = values();
  return vscode.workspace.onDidChangeConfiguration(() => {
    const now = values();
    if (now === known) return;
    known = now;
    listener();
  });
}
