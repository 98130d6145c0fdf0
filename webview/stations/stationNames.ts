/** Stations of the path through the panel, in their order: that of a token's way, of what generating repeats, and what size changes. */
export const STATIONS = ['tokens', 'vectors', 'positions', 'attention', 'layers', 'logits', 'sampling', 'loop', 'scale'] as const;

/** Name of a station. */
export type StationName = (typeof STATIONS)[number];

/** The station that follows; null: none does. */
export function stationAfter(name: StationName): StationName | null {
  return STATIONS[STATIONS.indexOf(name) + 1] ?? null;
}
