import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** A number with digits enough for a ratio or a time. @param {number} value */
const shortened = (value) => Number(value.toFixed(Math.abs(value) < 10 ? 3 : 1));

/**
 * Prints and returns the measurements that tests recorded in a file, one table per kind, with a description of the machine.
 * @param {string} rows path of the file
 */
export function printTables(rows) {
  const measured = existsSync(rows)
    ? readFileSync(rows, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    : [];
  /** @type {Record<string, object[]>} */
  const tables = {};
  for (const { table, row } of measured)
    (tables[table] ??= []).push(
      Object.fromEntries(Object.entries(row).map(([key, value]) => [key, typeof value === 'number' ? shortened(value) : value])),
    );
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
  console.log(`\n${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; medians`);
  for (const [name, table] of Object.entries(tables)) {
    console.log(`\n${name}`);
    console.table(table);
  }
  return { machine, tables };
}
