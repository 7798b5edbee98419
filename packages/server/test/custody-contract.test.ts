// SPDX-License-Identifier: Apache-2.0
import { custodyContract } from '@sealpost/testing';
import { openAt, scratchDirectory } from './custody-place.ts';

custodyContract('custody in SQLite', (t) => {
  const directory = scratchDirectory(t);
  return { open: (sign) => openAt(directory, { sign }) };
});
