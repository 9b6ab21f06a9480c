/**
 * How `npm start` and `odysseus` end when they cannot go on: one code per kind of failure, so that a script can tell them apart.
 * The README lists the same table; codes are never given a second meaning.
 */
export const exitCodes = /** @type {const} */ ({
  ok: 0,
  bug: 1,
  usage: 2,
  nodeTooOld: 10,
  npmTooOld: 11,
  platformUnsupported: 12,
  installFailed: 13,
  toolUnavailable: 20,
  engineMissing: 21,
  engineDenied: 22,
  engineNonsense: 23,
  natsFailed: 24,
  portInUse: 30,
  homeInUse: 31,
  diskFull: 32,
  diskReadOnly: 33,
  databaseDamaged: 34,
});
