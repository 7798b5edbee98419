// SPDX-License-Identifier: Apache-2.0
import type { Observer } from './observer.ts';

/** Tells each of them, in this order. */
export function several(observers: readonly Observer[]): Observer {
  const [only] = observers;
  if (only !== undefined && observers.length === 1) return only;
  const each = (tell: (observer: Observer) => void): void => {
    for (const observer of observers) tell(observer);
  };
  return {
    signedIn: (...told) => each((one) => one.signedIn(...told)),
    answered: (...told) => each((one) => one.answered(...told)),
    peerAnswered: (...told) => each((one) => one.peerAnswered(...told)),
    accepted: (...told) => each((one) => one.accepted(...told)),
    happened: (...told) => each((one) => one.happened(...told)),
    committed: (...told) => each((one) => one.committed(...told)),
    room: (...told) => each((one) => one.room(...told)),
    linkUp: (...told) => each((one) => one.linkUp(...told)),
    linkDown: (...told) => each((one) => one.linkDown(...told)),
    linkFailed: (...told) => each((one) => one.linkFailed(...told)),
    fault: (...told) => each((one) => one.fault(...told)),
  };
}

const ignore = (): void => undefined;

/** For a domain that nobody watches. */
export const nobody: Observer = {
  signedIn: ignore,
  answered: ignore,
  peerAnswered: ignore,
  accepted: ignore,
  happened: ignore,
  committed: ignore,
  room: ignore,
  linkUp: ignore,
  linkDown: ignore,
  linkFailed: ignore,
  fault: ignore,
};
