export const TARGETS: readonly string[];
export function ownTarget(): string;
export function vsixOf(target: string): string;
export function packageExtension(targets?: readonly string[], say?: (sentence: string) => void): Promise<string[]>;
export function withoutPlots(page: string): string;
