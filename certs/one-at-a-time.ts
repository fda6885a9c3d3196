/**
 * A task that never runs twice at once: a call begins after those before it have ended, so that what an earlier one
 * has read never replaces what a later one has. `task` must not reject.
 */
export function oneAtATime(task: () => Promise<void>): () => Promise<void> {
  let last = Promise.resolve();
  return () => {
    last = last.then(task);
    return last;
  };
}
