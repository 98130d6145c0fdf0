export const NATIVE_TARGETS: readonly string[];
export const UNIVERSAL: 'universal';
export function nativeFiles(target: string): string[];
export function placeNativeRuntime(target: string, dist: string): void;
export function installNativeRuntime(): void;
