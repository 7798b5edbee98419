// SPDX-License-Identifier: Apache-2.0
// Writes spec/vectors/*.json. Keys, times and ids are fixed, and what an ESP256 signer draws at random is kept from the
// file of the last run, so running it again changes nothing. The expected answers are written down here, not computed.
import { writeVectors } from './vectors/write.ts';
import { addressVectors } from './vectors/address.ts';
import { cborVectors } from './vectors/cbor.ts';
import { coseVectors, ed25519Vectors, p256Vectors } from './vectors/cose.ts';
import { evidenceVectors } from './vectors/evidence.ts';
import { merkleVectors } from './vectors/merkle.ts';
import { sealVectors } from './vectors/seal.ts';

writeVectors('address', addressVectors);
writeVectors('cbor', cborVectors);
writeVectors('cose', coseVectors);
writeVectors('ed25519', ed25519Vectors);
writeVectors('p256', p256Vectors);
writeVectors('merkle', merkleVectors);
writeVectors('seal', await sealVectors());
writeVectors('evidence', await evidenceVectors());
