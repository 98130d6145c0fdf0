import type { PanelContext } from '../../context.ts';
import { plainKey } from '../../parts/keys.ts';

/** Rotation by one press of an arrow key, in radians. */
const TURN_STEP = Math.PI / 24;
/** Pixels of pointer movement per radian of rotation. */
const PIXELS_PER_RADIAN = 120;

/** Handlers that rotate the three-dimensional projection. */
export interface Turning {
  readonly byKey: (event: KeyboardEvent) => void;
  readonly byPointer: (area: HTMLElement) => void;
}

/** Creates the handlers. */
export function createTurning({ store, tooltip }: PanelContext): Turning {
  const turn = (yaw: number, pitch: number): void => {
    const { settings } = store.state();
    store.dispatch({
      type: 'settings',
      change: { yaw: (settings.yaw + yaw) % (2 * Math.PI), pitch: Math.max(-1.5, Math.min(1.5, settings.pitch + pitch)) },
    });
  };
  const turnable = (): boolean => store.state().settings.dimensions === 3;
  return {
    byKey: (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[plainKey(event)];
      if (step === undefined || !turnable()) return;
      event.preventDefault();
      turn((step[0] ?? 0) * TURN_STEP, (step[1] ?? 0) * TURN_STEP);
    },
    byPointer: (area) =>
      area.addEventListener('pointerdown', (down) => {
        if (!turnable() || down.button !== 0) return;
        let last = down;
        const move = (event: PointerEvent): void => {
          tooltip.hide();
          turn((event.clientX - last.clientX) / PIXELS_PER_RADIAN, (event.clientY - last.clientY) / PIXELS_PER_RADIAN);
          last = event;
        };
        const up = (): void => {
          window.removeEventListener('pointermove', move);
          window.removeEventListener('pointerup', up);
        };
        window.addEventListener('pointermove', move);
        window.addEventListener('pointerup', up);
      }),
  };
}
