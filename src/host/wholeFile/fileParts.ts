import type { ModelClient } from '../client/modelClient.ts';
import { Disposable } from '../disposable.ts';
import type { Overlays } from '../editor/overlays.ts';
import type { CurrentExplanation } from '../explain/currentExplanation.ts';
import { reportError, type Log } from '../log.ts';
import type { Advice } from '../models/modelAdvice.ts';
import { inform } from '../surfaces.ts';
import { FileDecorations } from './fileDecorations.ts';
import { FileHover } from './fileHover.ts';
import { FileReader } from './fileReader.ts';
import type { FileReading } from './fileReading.ts';
import { FileStatus, omissionText } from './fileStatus.ts';
import { LineSums } from './lineSums.ts';
import { Surprises } from './surprises.ts';

/** Parts of the extension that the reading of whole files uses. */
export interface FilePartsOptions {
  readonly client: ModelClient;
  readonly current: CurrentExplanation;
  readonly overlays: Overlays;
  readonly log: Log;
  readonly setContext: (name: string, value: boolean) => void;
  /** Remedies for an error, and the error as it is told. */
  readonly advise: (error: unknown) => Promise<Advice>;
}

/** What reads whole files and shows what was read. */
export class FileParts extends Disposable {
  readonly reader: FileReader;
  readonly surprises: Surprises;
  readonly #setContext: FilePartsOptions['setContext'];
  /** Files of which something was left out, and that was said. */
  readonly #told = new WeakSet<FileReading>();
  /** What VS Code was told last: a file that is read changes often. */
  readonly #contexts = new Map<string, boolean>();

  constructor({ client, current, overlays, log, setContext, advise }: FilePartsOptions) {
    super();
    this.#setContext = setContext;
    this.reader = this.register(
      new FileReader(client, ({ uri }, failure) => {
        void advise(failure).then(({ error, remedies }) => reportError(log, `Reading ${uri}`, error, remedies));
      }),
    );
    this.register(new FileDecorations(this.reader, current, overlays));
    this.register(new LineSums(this.reader));
    this.register(new FileStatus(this.reader));
    this.surprises = this.register(new Surprises(this.reader));
    this.register(new FileHover(this.reader, current));
    this.register(this.reader.onDidChange((file) => this.#changed(file)));
    this.register(this.reader.onDidActivate(() => this.#tellContext()));
  }

  #changed(file: FileReading): void {
    this.#tellContext();
    const omitted = file.scored?.omitted ?? 0;
    if (omitted === 0 || this.#told.has(file)) return;
    this.#told.add(file);
    void inform(omissionText(omitted));
  }

  /** Tells VS Code which commands make sense in the active editor. */
  #tellContext(): void {
    const file = this.reader.active;
    this.#tell('fileReading', file?.state === 'reading');
    this.#tell('fileRead', file !== undefined);
    this.#tell('anyFileRead', this.reader.hasFiles);
  }

  #tell(name: string, value: boolean): void {
    if (this.#contexts.get(name) === value) return;
    this.#contexts.set(name, value);
    this.#setContext(name, value);
  }
}
