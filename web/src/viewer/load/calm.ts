/** What a reader waits for comes first: all else waits until the first image stands. */

/** Nothing waits longer than this for an image, which may be slow, or not come at all. */
const PATIENCE_MS = 3_000;
/** From drawing an image until a browser has brought it to the screen. */
const ON_SCREEN_MS = 120;

let stands: () => void = () => {};
let calm: Promise<void> = Promise.resolve();

/** An image is on its way that a reader waits for. */
export function expectImage(): void {
  stands();
  calm = new Promise((resolve) => {
    stands = resolve;
    setTimeout(resolve, PATIENCE_MS);
  });
}

/** It was drawn, or it is known that it will not come. */
export function imageStands(): void {
  setTimeout(stands, ON_SCREEN_MS);
}

/** Resolves when nobody waits for a first image any more; at once where none is expected. */
export function whenCalm(): Promise<void> {
  return calm;
}

/** Do something then; returns what calls it off. */
export function onceCalm(work: () => void): () => void {
  let isOff = false;
  calm.then(() => {
    if (!isOff) work();
  });
  return () => {
    isOff = true;
  };
}
