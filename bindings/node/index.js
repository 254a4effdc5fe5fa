'use strict';

const { b2 } = require('./lib/library');
const { B2Error, Status, text } = require('./lib/errors');
const { Session } = require('./lib/session');
const { fly } = require('./lib/shared');

/** What a call was asked, apart: credentials, what is JavaScript's own, and the library's options as text. */
function parted(request) {
  if (request === null || typeof request !== 'object') throw new TypeError('the options must be an object');
  const { keyId, key, rejected, signal, log, ...named } = request;
  if (log !== undefined && typeof log !== 'function') throw new TypeError('log must be a function');
  const options = {};
  for (const [name, value] of Object.entries(named)) {
    if (value === undefined || value === null) continue;
    const kind = typeof value;
    if (kind === 'boolean') options[text('option', name)] = value ? '1' : '0';
    else if (kind === 'number') options[text('option', name)] = String(value);
    else options[text('option', name)] = text(name, value);
  }
  return { keyId: text('keyId', keyId), key: text('key', key), rejected, signal, log, options };
}

function one({ sessions: [session], errors: [error] }) {
  // One of each caller's own, with that caller's stack.
  if (error) throw new B2Error(error.message, error);
  return new Session(session);
}

async function authorize(request = {}) {
  const { keyId, key, signal, log, options } = parted(request);
  const task = { kind: 'authorize', keyIds: [keyId], keys: [key], options };
  // A call that bypasses the cache is not shared either.
  return one(await fly(task, { signal, log, share: options.cache !== 'bypass' }));
}

async function reauthorize(request = {}) {
  const { keyId, key, rejected, signal, log, options } = parted(request);
  signal?.throwIfAborted();
  // A reference of the call's own, so that the session may be closed or collected meanwhile.
  const held = rejected ? Session.retained(rejected) : null;
  try {
    const task = { kind: 'again', keyIds: [keyId], keys: [key], rejected: held, options };
    return one(await fly(task, { signal, log }));
  } finally {
    b2.session_free(held);
  }
}

async function authorizeMany(pairs, request = {}) {
  const { signal, log, options } = parted(request);
  const keyIds = [];
  const keys = [];
  for (const pair of pairs) {
    keyIds.push(text('keyId', pair.keyId));
    keys.push(text('key', pair.key));
  }
  if (keys.length === 0) return [];
  const { sessions, errors } = await fly({ kind: 'many', keyIds, keys, options }, { signal, log });
  return sessions.map((session, place) => errors[place] ?? new Session(session));
}

async function authorizeJson(request = {}) {
  const task = { kind: 'json', request: text('request', typeof request === 'string' ? request : JSON.stringify(request)) };
  return (await fly(task, {})).response;
}

async function diagnose(request = {}) {
  const { keyId, key, signal, log, options } = parted(request);
  const { status, report } = await fly({ kind: 'diagnose', keyIds: [keyId], keys: [key], options }, { signal, log });
  if (report === null) throw new B2Error(b2.status_message(status), { status });
  return JSON.parse(report);
}

function shouldReauthorize(httpStatus, code) {
  return b2.should_reauthorize(httpStatus, text('code', code)) === 1;
}

function shouldReauthorizeBody(httpStatus, body) {
  let code;
  try {
    ({ code } = JSON.parse(body));
  } catch {
    // Not B2's JSON, so there is no code.
  }
  return shouldReauthorize(httpStatus, typeof code === 'string' && !code.includes('\0') ? code : null);
}

module.exports = {
  authorize,
  reauthorize,
  authorizeMany,
  authorizeJson,
  diagnose,
  shouldReauthorize,
  shouldReauthorizeBody,
  cacheClear: () => b2.cache_clear(),
  counter: (name) => Number(b2.counter(text('name', name))),
  libraryVersion: () => b2.library_version(),
  Session,
  B2Error,
  Status,
};
