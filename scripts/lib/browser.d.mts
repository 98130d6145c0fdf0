export function findBrowser(options?: { readonly headless?: boolean }): string | undefined;
export function ensureBrowser(say: (sentence: string) => void): string;
export function findFirefox(): string | undefined;
export function ensureFirefox(say: (sentence: string) => void): string;
