// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Domain } from '@sealpost/protocol';
import { FakeClock } from '@sealpost/testing';
import { EventLog } from './event-log.ts';
import { Log, type LogSettings } from './log.ts';

const fire = 'fire.test' as Domain;
const ann = 'ann@home.test';

type Line = Record<string, unknown>;

function opened(settings: Partial<LogSettings> = {}): {
  log: EventLog;
  clock: FakeClock;
  text: string[];
  lines(): Line[];
} {
  const text: string[] = [];
  const clock = new FakeClock();
  const out = new Log({ level: 'info', format: 'json', ...settings }, (line) => void text.push(line));
  return {
    log: new EventLog(out, clock),
    clock,
    text,
    lines: () => text.map((line) => JSON.parse(line) as Line),
  };
}

test('who fails to sign in is told apart, and not told by name', () => {
  const { log, text, lines } = opened();
  log.signedIn('credentials-invalid', ann);
  log.signedIn('credentials-invalid', ann);
  log.signedIn('credentials-invalid', 'bob@home.test');
  log.signedIn('ok', ann);
  const [first, second, third, ...more] = lines();
  assert.deepEqual(more, []);
  assert.equal(first?.['event'], 'sign-in-refused');
  assert.equal(first?.['code'], 'credentials-invalid');
  assert.equal(first?.['who'], second?.['who']);
  assert.notEqual(first?.['who'], third?.['who']);
  assert.doesNotMatch(text.join('\n'), /ann|bob|@/);
  const other = opened();
  other.log.signedIn('credentials-invalid', ann);
  assert.notEqual(other.lines()[0]?.['who'], first?.['who'], 'every start has its own key');
});

test('names are shown at debug, where an operator has asked for them', () => {
  const { log, lines } = opened({ level: 'debug' });
  log.signedIn('ok', ann);
  assert.equal(lines()[0]?.['name'], ann);
});

test('however many are refused, there are few lines, and a sum of all', () => {
  const { log, clock, lines } = opened();
  for (let n = 0; n < 5_000; n++) {
    log.signedIn('credentials-invalid', `guess${n}`);
    log.answered('submission', 'mailbox-unknown');
    log.peerAnswered(fire, 'message', 'overloaded');
  }
  clock.advance(10_000);
  const written = lines();
  assert.ok(written.length <= 21, String(written.length));
  assert.deepEqual(written.at(-1)?.['refused'], {
    'sign-in credentials-invalid': 5_000,
    'submission mailbox-unknown': 5_000,
    'relay-message overloaded': 5_000,
  });
  log.answered('submission', 'ok');
  clock.advance(60_000);
  assert.equal(lines().length, written.length, 'nothing is said while nothing is refused');
});

test('a fault that repeats is written once a minute, with how often', () => {
  const { log, clock, lines } = opened();
  for (let n = 0; n < 100; n++) log.fault(Object.assign(new Error('disk I/O error'), { code: 'store-io' }));
  assert.equal(lines().length, 1);
  assert.equal(lines()[0]?.['code'], 'store-io');
  assert.equal(lines()[0]?.['stack'], undefined);
  clock.advance(60_000);
  log.fault(Object.assign(new Error('disk I/O error'), { code: 'store-io' }));
  assert.equal(lines()[1]?.['repeated'], 99);
  log.fault(new TypeError('a bug'));
  assert.match(String(lines()[2]?.['stack']), /event-log\.test/);
});

test('a full disk is said once, and so is its end; links say which peer and why', () => {
  const { log, lines } = opened();
  for (const hasRoom of [true, false, false, true, true]) log.room(hasRoom);
  log.linkUp(fire);
  log.linkDown(fire, 'x'.repeat(5_000));
  log.linkFailed(fire, new Error('connect ECONNREFUSED'));
  log.linkFailed(fire, new Error('connect ECONNREFUSED'));
  assert.deepEqual(
    lines().map(({ level, event }) => [level, event]),
    [
      ['error', 'store-full'],
      ['info', 'store-writable'],
      ['info', 'link-up'],
      ['warn', 'link-down'],
      ['warn', 'link-failed'],
    ],
  );
  assert.ok(String(lines()[3]?.['reason']).length < 300);
});

test('as text, a line is one line, whatever a peer has put into it', () => {
  const { log, text } = opened({ format: 'text' });
  log.linkDown(fire, 'bye\r\n2026-01-01 error: forged\u001b[2J\u2028');
  assert.equal(text.length, 1);
  assert.match(
    text[0] ?? '',
    /^\S+ warn: The link to fire\.test is down\. peer=fire\.test reason=bye 2026-01-01/,
  );
  assert.doesNotMatch(text[0] ?? '', /[\p{Cc}\p{Zl}]/u);
});

test('a reload changes level and form of the lines that follow', () => {
  const text: string[] = [];
  const log = new Log({ level: 'error', format: 'json' }, (line) => void text.push(line));
  log.info('not shown', { event: 'started' });
  log.use({ level: 'info', format: 'text' });
  log.info('Shown.', { event: 'started' });
  assert.equal(text.length, 1);
  assert.match(text[0] ?? '', / info: Shown\.$/);
});
