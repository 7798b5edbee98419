// SPDX-License-Identifier: Apache-2.0
import { readProfile } from '@sealpost/client/node';
import type { DomainPlan } from '@sealpost/server';
import { generated } from '../domain/new-password.ts';
import { profilePath } from '../profile-discovery.ts';

export const alarm = 'kitchen-alarm@home.test';
export const ann = 'ann@home.test';
export const desk = 'desk@fire.test';

type AccountPlan = DomainPlan['accounts'][number];

const accounts: readonly { domain: string; account: Omit<AccountPlan, 'password'> }[] = [
  { domain: 'home.test', account: { address: alarm, kind: 'device', ceiling: 'flash', originKey: true } },
  { domain: 'home.test', account: { address: ann, kind: 'person', ceiling: 'priority', originKey: true } },
  {
    domain: 'fire.test',
    account: {
      address: desk,
      kind: 'role',
      ceiling: 'flash',
      grants: [{ upTo: 'flash', kind: 'device' }],
      originKey: true,
    },
  },
];

/** Two domains and three accounts. A data folder that was used before keeps its passwords. */
export async function devPlan(dataDir: string): Promise<DomainPlan[]> {
  const plans: DomainPlan[] = [];
  for (const domain of new Set(accounts.map((entry) => entry.domain))) {
    const own = accounts.filter((entry) => entry.domain === domain);
    const planned = own.map(async ({ account }) => ({
      ...account,
      password: (await knownPassword(dataDir, account.address)) ?? generated(),
    }));
    plans.push({ domain, accounts: await Promise.all(planned) });
  }
  return plans;
}

async function knownPassword(dataDir: string, address: string): Promise<string | undefined> {
  const profile = await readProfile(profilePath(dataDir, address)).catch(() => undefined);
  return profile?.ok === true ? profile.value.password : undefined;
}
