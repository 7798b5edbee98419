// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import type { Client, Message, Sent } from '@sealpost/client';
import type { EventWord } from '@sealpost/protocol';
import { domainOf, precedenceName } from '@sealpost/protocol';
import { timelineLines } from '../evidence-format.ts';
import { ExitCode } from '../exit-code.ts';
import { CommandError } from '../failure.ts';
import { messageLines } from '../message-format.ts';
import type { Terminal } from '../terminal.ts';

const text = 'Smoke in the kitchen';
const lifetimeSeconds = 120;
const asked: readonly EventWord[] = ['relayed', 'delivered', 'fetched', 'acknowledged'];
const expectedEvidence: readonly EventWord[] = ['accepted', ...asked];

interface StoryOptions {
  readonly terminal: Terminal;
  readonly alarm: Client;
  readonly desk: Client;
  readonly signal: AbortSignal;
}

/**
 * A smoke alarm in one domain reaches a fire desk in another. Tells each step as it happens, and returns the message
 * only if every expected evidence has arrived and verified; otherwise it throws with a sentence that says what failed.
 */
export async function playStory({ terminal, alarm, desk, signal }: StoryOptions): Promise<Sent> {
  const step = stepper(terminal);
  const id = randomUUID();
  const arrival = Promise.race([take(desk, id), outOfTime(signal)]);
  // The desk listens before the alarm sends; if sending fails, nobody waits for the arrival any more.
  arrival.catch(() => undefined);
  step(`${alarm.account} sends flash to ${desk.account}: “${text}”`);
  const sent = await alarm.send({
    to: desk.account,
    id,
    body: text,
    precedence: 'flash',
    lifetimeSeconds,
    ask: asked,
  });
  step(`${domainOf(alarm.account)} has it on disk and answers for it: message ${sent.id}`);
  const message = await arrival;
  step(`${desk.account} takes it from its mailbox, in lane ${precedenceName(message.lane)}`);
  for (const line of messageLines(terminal, message)) terminal.out(`     ${line}`);
  checkMessage(message);
  await message.acknowledge();
  step(`${desk.account} acknowledges it`);
  await Promise.all(expectedEvidence.map((word) => waitFor(sent, word, signal)));
  step(`what ${alarm.account} can prove: each event, when (UTC), and who signed it:`);
  for (const line of timelineLines(terminal, sent.timeline)) terminal.out(`  ${line}`);
  return sent;
}

function stepper(terminal: Terminal): (line: string) => void {
  let number = 0;
  return (line) => terminal.out(`${terminal.style('cyan', String(++number).padStart(2))}  ${line}`);
}

/** Takes the message of the story; what else waits from before is left for whom it is meant. */
async function take(desk: Client, id: string): Promise<Message> {
  for await (const message of desk.messages()) {
    if (message.id !== id) {
      message.leave();
      continue;
    }
    message.taken();
    return message;
  }
  throw storyFailed('the mailbox was closed before the message came');
}

function outOfTime(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(storyFailed('the message did not arrive in time'));
    signal.addEventListener('abort', stop, { once: true });
  });
}

function checkMessage(message: Message): void {
  if (!message.verified.ok) throw storyFailed(`its seal did not verify: ${message.verified.refusal.code}`);
  if (message.text !== text) throw storyFailed('its text was changed on the way');
  if (precedenceName(message.lane) !== 'flash') throw storyFailed('it did not travel as flash');
}

async function waitFor(sent: Sent, word: EventWord, signal: AbortSignal): Promise<void> {
  try {
    await sent.until(word, { signal });
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    throw storyFailed(`evidence of '${word}' did not arrive or did not verify (${String(code)})`);
  }
}

function storyFailed(what: string): CommandError {
  return new CommandError('story-failed', `The story failed: ${what}.`, ExitCode.failed);
}
