/** Why an explanation is outdated: a newer one was asked for, and is in progress, failed or was cancelled. */
export type Outdated = 'working' | 'failed' | 'cancelled';
