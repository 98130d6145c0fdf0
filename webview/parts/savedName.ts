let changed = false;

/** Sets whether what is shown is of a model with interventions: files that are saved say so by their names. */
export function setChanged(on: boolean): void {
  changed = on;
}

/** The name, without its ending, of a file that is saved of what is shown. */
export function savedName(name: string): string {
  return changed ? `${name}-with-interventions` : name;
}
