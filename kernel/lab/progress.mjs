// What a person sees while set-up works: a spinner with the running steps on a terminal, and one line per finished step.

/** @typedef {'done' | 'failed' | 'ended'} Outcome ended: stopped because another step failed */
/** @type {Record<Outcome, string>} */
const marks = { done: '✓', failed: '✗', ended: '–' };
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** @param {number} ms */
export const seconds = (ms) => (ms < 100 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

export class Progress {
  /** @param {NodeJS.WriteStream} out */
  constructor(out = process.stdout) {
    this.out = out;
    /** @type {Map<string, number>} title -> start, performance.now() */
    this.active = new Map();
    this.frame = 0;
  }

  /** Begins a line; the function it returns ends it with the mark of its outcome. @param {string} title */
  begin(title) {
    const start = performance.now();
    this.active.set(title, start);
    if (this.out.isTTY) this.timer ??= setInterval(() => this.#draw(), 100).unref();
    return (/** @type {Outcome} */ outcome) => {
      this.active.delete(title);
      this.#clear();
      this.#line(outcome, title, performance.now() - start);
      if (this.active.size === 0) this.timer = void clearInterval(this.timer);
    };
  }

  /** @param {Outcome} outcome @param {string} title @param {number} ms */
  #line(outcome, title, ms) {
    this.out.write(`  ${marks[outcome]} ${title.padEnd(28)} ${seconds(ms).padStart(8)}\n`);
  }

  #draw() {
    const now = performance.now();
    const steps = [...this.active].map(([title, start]) => `${title} ${Math.round((now - start) / 1000)} s`);
    this.#clear();
    this.frame = (this.frame + 1) % frames.length;
    this.out.write(`  ${frames[this.frame]} ${steps.join(' · ')}`.slice(0, this.out.columns - 1));
  }

  #clear() {
    if (this.out.isTTY) this.out.write('\r\x1b[K');
  }
}
