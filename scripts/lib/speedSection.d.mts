export interface BenchReport {
  readonly machine: { readonly cpu?: string; readonly cores: number; readonly node: string };
  readonly tables: Readonly<Record<string, readonly Readonly<Record<string, string | number | null>>[]>>;
}
export const SPEED: Readonly<Record<'shown' | 'memory' | 'forward' | 'generation' | 'rate' | 'opening', string>>;
export function withKept(found: BenchReport, kept: BenchReport | null): BenchReport;
export function compares(report: BenchReport): boolean;
export function speedSection(report: BenchReport): string;
export function withSpeed(page: string, section: string): string;
