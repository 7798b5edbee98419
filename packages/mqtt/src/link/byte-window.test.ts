// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteWindow } from './byte-window.ts';

const KiB = 1024;

test('starts at 32 KiB and always lets one message pass', () => {
  const window = new ByteWindow();
  assert.ok(window.hasRoom(64 * KiB));
  window.wrote(30 * KiB);
  assert.ok(window.hasRoom(2 * KiB));
  assert.ok(!window.hasRoom(3 * KiB));
});

/** A link that carries so many bytes per millisecond behind a fixed round trip, always with more to send. */
function simulate(bytesPerMs: number, roundTripMs: number, messageBytes: number, untilMs: number): number {
  const window = new ByteWindow();
  const flying: { arrivesMs: number; writtenMs: number }[] = [];
  let freeMs = 0;
  for (let nowMs = 0; nowMs < untilMs; nowMs++) {
    while (flying[0] !== undefined && flying[0].arrivesMs <= nowMs) {
      const { writtenMs } = flying.shift() ?? { writtenMs: 0 };
      window.acknowledged(messageBytes, nowMs - writtenMs, true, nowMs);
    }
    while (window.hasRoom(messageBytes)) {
      freeMs = Math.max(freeMs, nowMs) + messageBytes / bytesPerMs;
      flying.push({ arrivesMs: freeMs + roundTripMs, writtenMs: nowMs });
      window.wrote(messageBytes);
    }
  }
  return window.windowBytes;
}

test('a fast link with a long way gets a large window', () => {
  assert.equal(simulate(12_500, 100, 10_000, 5_000), 1024 * KiB);
});

test('on 1 Mbit/s the window stays small enough for an urgent message to pass within a third of a second', () => {
  const windowBytes = simulate(125, 20, 10_000, 20_000);
  assert.ok(windowBytes <= 40 * KiB, String(windowBytes));
});

test('so it does after ten minutes of saturation', () => {
  const windowBytes = simulate(125, 20, 10_000, 600_000);
  assert.ok(windowBytes <= 40 * KiB, String(windowBytes));
});

test('on 64 kbit/s it shrinks', () => {
  const windowBytes = simulate(8, 100, 1_000, 300_000);
  assert.ok(windowBytes <= 8 * KiB, String(windowBytes));
});
