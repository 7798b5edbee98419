// SPDX-License-Identifier: Apache-2.0
import { custodyContract } from '@sealpost/testing';
import { openAt, scratchDirectory } from './custody-place.ts';

// The suite tests, of custody's part: [DELIV-3] [DELIV-5] [DELIV-6] [DELIV-9] [RELAY-8] [RELAY-13] [RELAY-14].
custodyContract('custody in SQLite', (t) => {
  const directory = scratchDirectory(t);
  return { open: (sign) => openAt(directory, { sign }) };
});
