import { at } from '../../src/core/tensor.ts';
import type { Projection } from '../../src/core/trace.ts';
import { css } from '../colour.ts';
import { colourAt, type Theme } from '../theme.ts';
import { shortened } from '../../src/core/visibleText.ts';
import { plotlyText, textWidth } from './plotlyText.ts';
import { ABOVE_AXIS, aboveAxis, baseAxis, baseLayout, equalUnits, titledAxis, type Figure, type Trace } from './figure.ts';

/** How a projection is drawn. `width` and `height` in pixels; `yaw` and `pitch` only in three dimensions. */
export interface ProjectionView {
  readonly labels: readonly string[];
  readonly selected: number;
  readonly dimensions: 2 | 3;
  /** Radians. */
  readonly yaw: number;
  readonly pitch: number;
  readonly width: number;
  readonly height: number;
  /** "Component {0}: {1} of the variance", in the display language. */
  readonly axisTitles: readonly [string, string, string];
}

/** A token's place in the figure: x to the right, y up, depth towards the viewer; units of the residual stream. */
export interface Placed {
  readonly index: number;
  readonly x: number;
  readonly y: number;
  readonly depth: number;
}

/** Orthographic view of a point after rotation by `yaw` about the vertical axis, then by `pitch` towards the viewer. Radians. */
export function turned(x: number, y: number, z: number, yaw: number, pitch: number): readonly [number, number, number] {
  const across = x * Math.cos(yaw) + z * Math.sin(yaw);
  const depth = z * Math.cos(yaw) - x * Math.sin(yaw);
  return [across, y * Math.cos(pitch) - depth * Math.sin(pitch), y * Math.sin(pitch) + depth * Math.cos(pitch)];
}

/** Places of the tokens. Tokens left out of the components are not drawn: they would squeeze the others into a dot. */
export function placeTokens(projection: Projection, view: Pick<ProjectionView, 'dimensions' | 'yaw' | 'pitch'>): readonly Placed[] {
  const count = projection.points.length / 3;
  return Array.from({ length: count - projection.leftOut }, (_, offset) => {
    const index = offset + projection.leftOut;
    const [x, y, z] = [at(projection.points, index * 3), at(projection.points, index * 3 + 1), at(projection.points, index * 3 + 2)];
    if (view.dimensions === 2) return { index, x, y, depth: 0 };
    const [across, up, depth] = turned(x, y, z, view.yaw, view.pitch);
    return { index, x: across, y: up, depth };
  });
}

const MARGIN = { l: 48, r: 16, t: ABOVE_AXIS, b: 44 };
/** Factor of room around the outermost tokens, for their labels. */
const ROOM = 1.2;

/** Scatter plot of the tokens over the first two components, or over three seen from an angle. */
export function projectionFigure(projection: Projection, view: ProjectionView, theme: Theme): Figure {
  const placed = [...placeTokens(projection, view)].sort((a, b) => a.depth - b.depth);
  const flat = view.dimensions === 2;
  const margin = flat ? MARGIN : { l: 16, r: 16, t: 16, b: 16 };
  const radius = Math.max(1e-9, ...placed.map((point) => Math.hypot(point.x, point.y, point.depth)));
  const [xRange, yRange] = flat
    ? equalUnits(placed, view.width - margin.l - margin.r, view.height - margin.t - margin.b, ROOM)
    : cubeRanges(radius, view.width - 32, view.height - 32);
  const total = Math.max(1, view.labels.length - 1);
  const near = (point: Placed): number => (flat ? 0.5 : (point.depth / radius + 1) / 2);
  const selected = placed.find((point) => point.index === view.selected);
  const scale = {
    x: (view.width - margin.l - margin.r) / (xRange[1] - xRange[0]),
    y: (view.height - margin.t - margin.b) / (yRange[1] - yRange[0]),
  };
  const named = placeLabels(
    placed,
    view.selected,
    view.labels,
    scale,
    theme.fontSize - 2,
    flat ? [] : axisEnds(radius, view, scale.x, theme.fontSize - 2).map((end) => axisBox(end, scale, theme.fontSize - 2)),
  );
  const points: Trace = {
    type: 'scatter',
    mode: 'markers+text',
    x: placed.map((p) => p.x),
    y: placed.map((p) => p.y),
    customdata: placed.map((p) => p.index),
    text: placed.map((p) => (named.has(p.index) && p !== selected ? plotlyText(shortened(view.labels[p.index] ?? '', 12)) : '')),
    textposition: placed.map((p) => named.get(p.index) ?? 'top center'),
    textfont: { family: theme.monoFamily, size: theme.fontSize - 2, color: css(theme.foreground) },
    marker: {
      size: placed.map((p) => 7 + 4 * near(p)),
      opacity: placed.map((p) => 0.55 + 0.45 * near(p)),
      color: placed.map((p) => css(colourAt(theme.sequential, 0.4 + (0.6 * p.index) / total))),
      line: { width: 1, color: css(theme.background) },
    },
    hoverinfo: 'none',
    cliponaxis: false,
  };
  const ring: readonly Trace[] =
    selected === undefined
      ? []
      : [
          {
            type: 'scatter',
            mode: 'markers+text',
            x: [selected.x],
            y: [selected.y],
            hoverinfo: 'skip',
            cliponaxis: false,
            text: [plotlyText(shortened(view.labels[selected.index] ?? '', 12))],
            textposition: 'top center',
            textfont: { family: theme.monoFamily, size: theme.fontSize - 1, color: css(theme.foreground) },
            marker: { size: 15, color: 'rgba(0,0,0,0)', line: { width: 2, color: css(theme.foreground) } },
          },
        ];
  const base = baseLayout(theme, view.width, view.height, margin);
  if (!flat)
    return {
      width: view.width,
      height: view.height,
      data: [...axisLines(axisEnds(radius, view, scale.x, theme.fontSize - 2), theme), points, ...ring],
      layout: { ...base, xaxis: hidden(xRange), yaxis: hidden(yRange) },
    };
  const axis = {
    ...baseAxis(theme),
    showgrid: true,
    gridcolor: css(theme.grid),
    zeroline: true,
    zerolinecolor: css(theme.grid),
    zerolinewidth: 2,
    nticks: 6,
    tickfont: { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) },
  };
  return {
    width: view.width,
    height: view.height,
    data: [points, ...ring],
    layout: {
      ...base,
      xaxis: { ...titledAxis(axis, view.axisTitles[0]), range: xRange },
      yaxis: { ...axis, range: yRange, scaleanchor: 'x', scaleratio: 1 },
      annotations: [aboveAxis(theme, view.axisTitles[1], margin)],
    },
  };
}

/** Box of a label in pixels: its middle and half its width. */
interface LabelBox {
  readonly x: number;
  readonly y: number;
  readonly half: number;
}
type LabelPlace = 'top center' | 'bottom center' | 'middle right' | 'middle left';

/**
 * Labels that overlap neither each other nor points, and the side of its point each is on: the selected token's label first, then from the
 * outside in. A label without room is left out; its token's tooltip shows it.
 */
export function placeLabels(
  placed: readonly Placed[],
  selected: number,
  labels: readonly string[],
  scale: { readonly x: number; readonly y: number },
  fontSize: number,
  reserved: readonly LabelBox[] = [],
): ReadonlyMap<number, LabelPlace> {
  const points = placed.map((point) => ({
    index: point.index,
    x: point.x * scale.x,
    y: point.y * scale.y,
    reach: Math.hypot(point.x, point.y),
  }));
  const taken = [...reserved];
  const result = new Map<number, LabelPlace>();
  const order = [...points].sort((a, b) => Number(b.index === selected) - Number(a.index === selected) || b.reach - a.reach);
  for (const point of order) {
    // The same token in the same place, as before positions are added, needs its label once.
    const twin = points.some(
      (other) =>
        result.has(other.index) &&
        labels[other.index] === labels[point.index] &&
        Math.hypot(other.x - point.x, other.y - point.y) < fontSize,
    );
    if (twin) continue;
    const half = (textWidth(shortened(labels[point.index] ?? '', 12)) * fontSize) / 2 + 2;
    const sides: readonly (readonly [LabelPlace, number, number])[] = [
      ['top center', 0, fontSize + 1],
      ['bottom center', 0, -fontSize - 1],
      ['middle right', half + 6, 0],
      ['middle left', -half - 6, 0],
    ];
    for (const [place, dx, dy] of sides) {
      const box = { x: point.x + dx, y: point.y + dy, half };
      const onLabel = taken.some((other) => Math.abs(other.x - box.x) < other.half + half && Math.abs(other.y - box.y) < fontSize + 1);
      const onPoint = points.some(
        (other) => other !== point && Math.abs(other.x - box.x) < half + 4 && Math.abs(other.y - box.y) < fontSize * 0.5 + 5,
      );
      if ((onLabel || onPoint) && point.index !== selected) continue;
      taken.push(box);
      result.set(point.index, place);
      break;
    }
  }
  return result;
}

/** The three components as lines through the centre, named at their positive ends. */
function axisLines(ends: readonly AxisEnd[], theme: Theme): readonly Trace[] {
  return ends.map(({ title, x, y, place }) => ({
    type: 'scatter',
    mode: 'lines+text',
    x: [-x, x],
    y: [-y, y],
    text: ['', title],
    hoverinfo: 'skip',
    cliponaxis: false,
    textposition: place,
    line: { color: css(theme.muted), width: 1 },
    textfont: { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) },
  }));
}

/** Ranges with equal units on both axes, and room for the cube's diagonal at any angle. */
function cubeRanges(radius: number, width: number, height: number): readonly [readonly [number, number], readonly [number, number]] {
  const half = radius * 1.12;
  const unit = (2 * half) / Math.max(1, Math.min(width, height));
  return [
    [(-unit * width) / 2, (unit * width) / 2],
    [(-unit * height) / 2, (unit * height) / 2],
  ];
}

function hidden(range: readonly [number, number]): Readonly<Record<string, unknown>> {
  return { visible: false, fixedrange: true, range };
}

interface AxisEnd {
  readonly title: string;
  readonly x: number;
  readonly y: number;
  /** Of its name: past the end, where no token is, or where the picture is too narrow for that, above or below the line. */
  readonly place: `${'top' | 'middle' | 'bottom'} ${'left' | 'center' | 'right'}`;
}

/** `scale`: pixels to the right of one unit. */
function axisEnds(radius: number, view: ProjectionView, scale: number, fontSize: number): readonly AxisEnd[] {
  return view.axisTitles.map((title, component) => {
    const [x, y] = turned(component === 0 ? radius : 0, component === 1 ? radius : 0, component === 2 ? radius : 0, view.yaw, view.pitch);
    const across = x > 0 ? 'right' : 'left';
    const beside = y >= 0 ? 'top' : 'bottom';
    if (Math.abs(x) < radius * 0.2) return { title, x, y, place: `${beside} center` };
    const fits = Math.abs(x) * scale + textWidth(title) * fontSize + 4 < view.width / 2;
    return { title, x, y, place: fits ? `middle ${across}` : `${beside} ${x > 0 ? 'left' : 'right'}` };
  });
}

/** Box of an axis' name, so that the tokens' labels avoid it. */
function axisBox({ title, x, y, place }: AxisEnd, scale: { readonly x: number; readonly y: number }, fontSize: number): LabelBox {
  const half = (textWidth(title) * fontSize) / 2 + 2;
  const aside = place.endsWith('center') ? 0 : place.endsWith('right') ? half : -half;
  const up = place.startsWith('middle') ? 0 : place.startsWith('top') ? fontSize : -fontSize;
  return { x: x * scale.x + aside, y: y * scale.y + up, half };
}
