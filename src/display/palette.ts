/** Colours that stay apart for colour-blind readers (Okabe and Ito), on light and on dark grounds. */

const BLUE = '#0072b2';
const SKY = '#56b4e9';
const GREEN = '#009e73';
const ORANGE = '#e69f00';
const PURPLE = '#cc79a7';

/** Zero, in pictures whose colours are values. */
const PALE = '#f2f2f2';

/** The limit: the one colour that nothing else has. */
export const VERMILION = '#d55e00';
/** What is in use, where tags do not matter. */
export const ACTIVE = BLUE;
/** What was asked for, beside what that took. */
export const REQUESTED = SKY;
/** What nothing can do with less than: a line that shows on the ground and on the two above. */
export const BOUND = ORANGE;
/** Lines and letters that must be read on white and on black alike. */
export const GREY = '#7a7a7a';
/** Lines behind the data. */
export const FAINT = 'rgba(128,128,128,0.25)';

const NAMED = new Map(
  Object.entries({
    weights: BLUE,
    staging: SKY,
    activations: GREEN,
    'kv-cache': ORANGE,
    scratch: PURPLE,
    embedding: SKY,
    attention: ORANGE,
    feed_forward: BLUE,
    norm: GREEN,
    output: PURPLE,
  }),
);
const OTHERS = ['#999999', '#b3a125', '#8a6d3b', '#6a51a3'];

/** The colour of a memory tag or a kind of layer: the same in every figure; `index` tells unknown names apart. */
export function colorOf(name: string, index = 0): string {
  return NAMED.get(name) ?? OTHERS[index % OTHERS.length]!;
}

const APART = [BLUE, ORANGE, GREEN, PURPLE, SKY, ...OTHERS.slice(1)];

/** A colour for each name, none of them grey: known names keep theirs, the others take what is left. */
export function colorsOf(names: readonly string[]): string[] {
  const known = new Set(names.map((name) => NAMED.get(name)));
  const left = APART.filter((color) => !known.has(color));
  let taken = 0;
  return names.map((name) => NAMED.get(name) ?? left[taken++ % left.length]!);
}

/** What the engine does at a time. */
export const LANE = { read: BLUE, compute: GREEN, stall: ORANGE } as const;

/** Where a tensor's bytes are. */
export const RESIDENCY = { viewed: ORANGE, cached: GREEN, 'page cache': BLUE, evicted: PURPLE } as const;

/** From below zero to above, or from zero up: colours and where they stand, as plotly takes them. */
export function shades(isSigned: boolean): readonly (readonly [number, string])[] {
  const above = [PALE, ORANGE] as const;
  const stops = isSigned ? [BLUE, ...above] : [PALE, BLUE];
  return stops.map((color, index) => [index / (stops.length - 1), color]);
}

/** What is in memory, the more the stronger. */
export const RESIDENT = BLUE;

/** That colour for a share from 0 to 1, so that the ground, whatever it is, shows through. */
export function clearShade(share: number): string {
  return `rgba(${CHANNELS.map((at) => Number.parseInt(RESIDENT.slice(at, at + 2), 16)).join(',')},${share})`;
}

/** From nothing to all, as plotly takes it. */
export function clearShades(): readonly (readonly [number, string])[] {
  return [0, 1].map((share) => [share, clearShade(share)] as const);
}

/** Where the hexadecimal digits of red, green and blue begin. */
const CHANNELS = [1, 3, 5] as const;

/** The colour of a value from -1 to 1, or from 0 to 1 where none is below zero. */
export function shadeOf(value: number, isSigned: boolean): string {
  if (!Number.isFinite(value)) return GREY;
  const [end, share] = value < 0 ? [BLUE, -value] : [isSigned ? ORANGE : BLUE, value];
  const mixed = CHANNELS.map((at) => {
    const [from, to] = [PALE, end].map((color) => Number.parseInt(color.slice(at, at + 2), 16)) as [
      number,
      number,
    ];
    return Math.round(from + (to - from) * Math.min(1, share));
  });
  return `#${mixed.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

/** Letters that can be read on a colour: dark ones on light colours, else white. */
export function inkOn(color: string): string {
  const [red, green, blue] = CHANNELS.map((at) => Number.parseInt(color.slice(at, at + 2), 16)) as [
    number,
    number,
    number,
  ];
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? '#1b1b1b' : '#ffffff';
}
