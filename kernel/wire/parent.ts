/** Watches the process that started the kernel, so that a kernel never outlives its Jupyter. */

const INTERVAL_MS = 500;

/** `announced` (from `JPY_PARENT_PID`) may be further up than `firstParent`, behind a wrapper such as `npx`. */
export function parentIsGone(firstParent: number, announced: number | undefined): boolean {
  if (process.ppid !== firstParent) return true;
  return announced !== undefined && announced > 1 && !exists(announced);
}

/** Calls `gone` once, when the parent no longer exists. */
export function watchParent(firstParent: number, gone: () => void): NodeJS.Timeout {
  const announced = Number(process.env.JPY_PARENT_PID) || undefined;
  const timer = setInterval(() => {
    if (!parentIsGone(firstParent, announced)) return;
    clearInterval(timer);
    gone();
  }, INTERVAL_MS);
  return timer;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
