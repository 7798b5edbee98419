// SPDX-License-Identifier: Apache-2.0
import type { Federation } from '@sealpost/server';
import { alarm, ann, desk } from './plan.ts';

/** Lines to paste into another terminal, working as they are while this `sealpost dev` runs. */
export function snippets(federation: Federation, storyId: string | undefined): string[] {
  const alarmOptions = mosquittoOptions(federation, alarm);
  const deskOptions = mosquittoOptions(federation, desk);
  return [
    '# The desk reads, with any MQTT client. It stays until Ctrl-C.',
    `mosquitto_sub ${deskOptions} -q 1 -c -i desk1 -t 'mail/inbox/#' -F '%t %p'`,
    '',
    '# The alarm sends, with any MQTT client: flash, for two minutes.',
    `mosquitto_pub ${alarmOptions} -q 1 -t mail/to/${desk} -m 'Smoke in the kitchen' ` +
      '-D publish message-expiry-interval 120 -D publish user-property precedence flash ' +
      '-D publish user-property ask delivered,fetched',
    '',
    '# The alarm hears what became of it. It stays until Ctrl-C.',
    `mosquitto_sub ${alarmOptions} -q 1 -c -i alarm1 -t 'mail/evidence/#' -F '%t %p'`,
    '',
    '# With our own command, which seals with the account’s own key and checks every signature:',
    ...(storyId === undefined ? [] : [`npx sealpost trace ${storyId} --as ${alarm}`]),
    `npx sealpost send ${desk} 'Smoke' --as ${alarm} --precedence flash --wait delivered`,
    `npx sealpost send ${ann} 'On our way' --as ${desk} --wait delivered`,
    `npx sealpost inbox --as ${ann}`,
    `npx sealpost watch --as ${desk}`,
  ];
}

function mosquittoOptions(federation: Federation, address: string): string {
  const account = federation.accounts.find((candidate) => candidate.address === address);
  const domain = federation.domains.find((candidate) => address.endsWith(`@${candidate.domain}`));
  if (account === undefined || domain === undefined) throw new Error(`no account ${address}`);
  const { host, port } = domain.mqtt;
  return `-V 5 -h ${host} -p ${port} -u ${account.username} -P ${account.password}`;
}
