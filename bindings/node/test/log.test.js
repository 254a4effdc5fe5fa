'use strict';

const test = require('node:test');
const assert = require('node:assert');
const { isMainThread } = require('node:worker_threads');
const { b2auth, failNext, newKey, program, requestsOf } = require('./sandbox');

test('a log is called on this thread, in order, before the call ends', async () => {
  const key = await newKey();
  const lines = [];
  const session = await b2auth.authorize({ ...key, log: (level, message) => lines.push([level, message, isMainThread]) });
  const heard = lines.length;
  assert.ok(heard >= 3);
  assert.ok(lines.every(([level, , main]) => ['info', 'debug'].includes(level) && main));
  assert.match(lines.at(-1)[1], /granted a session/);
  await b2auth.authorize(key);
  assert.strictEqual(lines.length, heard);
  for (const [, message] of lines) {
    assert.ok(!message.includes(key.key) && !message.includes(session.authorizationToken), message);
  }
});

test('each call has its own log', async () => {
  const keys = await Promise.all(Array.from({ length: 20 }, () => newKey()));
  const lines = keys.map(() => []);
  await Promise.all(keys.map((key, at) => b2auth.authorize({ ...key, log: (_, message) => lines[at].push(message) })));
  for (const of of lines) assert.strictEqual(of.filter((line) => /granted a session/.test(line)).length, 1);
});

test('errors and options are as without a log', async () => {
  const key = await newKey();
  const levels = new Set();
  const log = (level) => levels.add(level);
  const error = await b2auth.authorize({ ...key, key: `K001${'w'.repeat(27)}`, log }).catch((failure) => failure);
  assert.ok(error instanceof b2auth.B2Error);
  assert.ok(error.hint && error.requestId);
  assert.ok(levels.has('error'));
  const misspelt = await b2auth.authorize({ ...key, max_attempt: 1, log }).catch((failure) => failure);
  assert.ok(misspelt instanceof b2auth.B2Error);
  assert.match(misspelt.hint, /max_attempts/);
  await failNext(key, { status: 503 });
  const [outcome] = await b2auth.authorizeMany([key], { initial_backoff_ms: 1, log });
  assert.strictEqual(outcome.keyId, key.keyId);
  assert.ok(levels.has('warn'));
  await b2auth.reauthorize({ ...key, rejected: outcome, log });
  assert.strictEqual(await requestsOf(key), 4);
});

test('a log that is busy, and one that throws', async () => {
  const source = `
    process.on('uncaughtException', ({ message }) => console.log(message));
    const busy = () => { for (const end = Date.now() + 5; Date.now() < end; ); };
    b2auth.authorize({ log: busy })
      .then(() => b2auth.authorize({ cache: 'refresh', log: (level) => { if (level === 'info') throw new Error('mine'); } }))
      .then(({ accountId }) => console.log(accountId));`;
  const { code, out } = await program(source).ended;
  assert.strictEqual(code, 0);
  assert.match(out, /^(mine\n)+4aa9865d6f00\n$/);
});
