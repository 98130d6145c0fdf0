export function alive(pid: number): boolean;
export function processTree(pid: number): number[];
export function endTree(pid: number, graceMs?: number): Promise<void>;
export function sessionFolder(): Promise<string>;
export function recordProcess(folder: string, pid: number): void;
export function removeFolder(folder: string): void;
export function endDescendants(...folders: readonly string[]): void;
