/** Lines of a strip of chips, broken as the browser breaks a row of boxes that wraps. */
export interface StripLines {
  /** [lines + 1] first chip of each line, and the number of chips. */
  readonly starts: Int32Array;
  /** [chips] line of each chip, and its left edge in pixels. */
  readonly lineOf: Int32Array;
  readonly left: Float32Array;
}

/** Breaks chips of these widths into lines of `width` pixels with `gap` between chips. `ends`: whether a chip ends its line. */
export function stripLines(widths: ArrayLike<number>, ends: (chip: number) => boolean, width: number, gap: number): StripLines {
  const lineOf = new Int32Array(widths.length);
  const left = new Float32Array(widths.length);
  const starts = widths.length === 0 ? [] : [0];
  let used = 0;
  for (let chip = 0; chip < widths.length; chip++) {
    const own = widths[chip] ?? 0;
    const begins = chip === starts.at(-1);
    if (!begins && used + gap + own > width) {
      starts.push(chip);
      used = own;
    } else used += begins ? own : gap + own;
    lineOf[chip] = starts.length - 1;
    left[chip] = used - own;
    if (ends(chip) && chip + 1 < widths.length) {
      starts.push(chip + 1);
      used = 0;
    }
  }
  return { starts: Int32Array.from([...starts, widths.length]), lineOf, left };
}

/** The chip in the line below or above that begins nearest to where this one begins; undefined in the last or first line. */
export function chipInNextLine({ starts, lineOf, left }: StripLines, from: number, down: boolean): number | undefined {
  const line = (lineOf[from] ?? 0) + (down ? 1 : -1);
  const [first, end] = [starts[line], starts[line + 1]];
  if (first === undefined || end === undefined) return undefined;
  const apart = (chip: number): number => Math.abs((left[chip] ?? 0) - (left[from] ?? 0));
  let best = first;
  for (let chip = first + 1; chip < end; chip++) if (apart(chip) < apart(best)) best = chip;
  return best;
}
