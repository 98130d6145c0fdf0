import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A Python process with torch and transformers, which times one model at a time: see transformersBench.py. */
export interface Reference {
  readonly pid: number;
  readonly versions: { readonly torch: string; readonly transformers: string };
  /** The answer to a call of that script. Throws when the process ended over it; its own words are then on standard error. */
  call<Answer>(request: { readonly call: string } & Readonly<Record<string, unknown>>): Promise<Answer>;
  end(): void;
}

/** Starts `python3`, or what `PYTHON` names; or one sentence on why it cannot compare. */
export async function startReference(): Promise<Reference | string> {
  const python = process.env['PYTHON'] ?? 'python3';
  const child = spawn(python, [join(import.meta.dirname, 'transformersBench.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, HF_HUB_OFFLINE: '1' },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async <Answer>(): Promise<Answer> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error('transformersBench.py ended.');
    return JSON.parse(value) as Answer;
  };
  try {
    await once(child, 'spawn');
  } catch {
    return `${python} was not found`;
  }
  const first = await answer<{ readonly missing: string } | (Reference['versions'] & { readonly pid: number })>();
  if ('missing' in first) return `${python} says: ${first.missing}`;
  const { pid, ...versions } = first;
  return {
    pid,
    versions,
    call: (request) => {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return answer();
    },
    end: () => void child.stdin.end(),
  };
}
