/** Shortest time between two updates of the progress on a terminal. */
const TELL_EVERY_MS = 200;

/** Progress on one line of the terminal that is overwritten; nothing is shown if standard error is not a terminal. */
export interface ProgressLine {
  /** Shows a line without control characters, unless one was shown just before. */
  readonly tell: (line: string) => void;
  /** Removes the line, so that something else can be written. */
  readonly clear: () => void;
}

/** Opens a line of progress on standard error. */
export function progressLine(stderr: NodeJS.WriteStream = process.stderr): ProgressLine {
  let [toldAt, shown] = [0, false];
  return {
    tell: (line) => {
      if (!stderr.isTTY || Date.now() - toldAt < TELL_EVERY_MS) return;
      [toldAt, shown] = [Date.now(), true];
      stderr.write(`\r\u001b[K${line}`);
    },
    clear: () => {
      if (shown) stderr.write('\r\u001b[K');
      shown = false;
    },
  };
}
