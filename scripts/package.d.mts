export function packageExtension(say?: (sentence: string) => void): string;
