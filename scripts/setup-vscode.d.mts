export function setupVSCode(say?: (sentence: string) => void): void;
