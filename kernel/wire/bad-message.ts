/** A message that cannot be used; `message` says why. It is dropped and logged, never answered. */
export class BadMessage extends Error {}
