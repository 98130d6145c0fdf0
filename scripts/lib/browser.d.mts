export function findBrowser(): string | undefined;
export function ensureBrowser(say: (sentence: string) => void): string;
