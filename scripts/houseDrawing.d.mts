export function drawing(): string;
export function withDrawing(page: string): string;
