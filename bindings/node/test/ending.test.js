'use strict';
// Calls that are ended early: by a signal, by the end of the process, by the end of a worker.

const test = require('node:test');
const assert = require('node:assert');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { PACKAGE, b2auth, heldKey, newKey, program, requestsOf } = require('./sandbox');

const aborted = { name: 'AbortError' };

test('a signal ends a call, before it and in its middle', async (t) => {
  const { credentials, untilHeld } = await heldKey(t);
  await assert.rejects(b2auth.authorize({ ...credentials, signal: AbortSignal.abort() }), aborted);
  assert.strictEqual(await requestsOf(credentials), 0);

  const controller = new AbortController();
  const call = b2auth.authorize({ ...credentials, signal: controller.signal });
  await untilHeld();
  controller.abort();
  await assert.rejects(call, aborted);
  const reason = new Error('enough');
  const other = new AbortController();
  const again = b2auth.authorizeMany([credentials], { signal: other.signal });
  other.abort(reason);
  await assert.rejects(again, reason);
});

test('a signal ends the call in the library too', async (t) => {
  const { credentials, untilHeld } = await heldKey(t);
  const controller = new AbortController();
  const messages = [];
  let cancelled;
  const logged = new Promise((resolve) => (cancelled = resolve));
  const log = (level, message) => {
    messages.push(message);
    if (level === 'error') cancelled();
  };
  const call = b2auth.authorize({ ...credentials, signal: controller.signal, log });
  await untilHeld();
  controller.abort();
  await assert.rejects(call, aborted);
  // The library logs the cancellation, within 250 ms by its contract.
  await Promise.race([logged, new Promise((_, reject) => setTimeout(reject, 10_000, new Error(messages.join('; '))).unref())]);
});

test('a signal of one caller leaves the others alone', async (t) => {
  const { credentials, untilHeld, release } = await heldKey(t);
  const controller = new AbortController();
  const one = b2auth.authorize({ ...credentials, signal: controller.signal });
  const other = b2auth.authorize(credentials);
  await untilHeld();
  controller.abort();
  await assert.rejects(one, aborted);
  // Who comes after the last one has left starts anew.
  await release();
  assert.strictEqual((await other).keyId, credentials.keyId);
  assert.strictEqual(await requestsOf(credentials), 1);
});

test('a call after all callers of another have left is one of its own', async (t) => {
  const { credentials, untilHeld, release } = await heldKey(t);
  const controller = new AbortController();
  const one = b2auth.authorize({ ...credentials, signal: controller.signal });
  await untilHeld();
  controller.abort();
  const other = b2auth.authorize(credentials);
  await assert.rejects(one, aborted);
  await release();
  assert.strictEqual((await other).keyId, credentials.keyId);
});

test('a signal that lives long is not left with listeners', async () => {
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...all) => (listeners++, addEventListener.apply(signal, all));
  signal.removeEventListener = (...all) => (listeners--, removeEventListener.apply(signal, all));
  for (let turn = 0; turn < 20; turn++) await b2auth.authorize({ signal });
  assert.strictEqual(listeners, 0);
});

// What a program may do while calls are under way, and how it then ends.
const CALLS = `
const [keyId, key] = process.argv.slice(1);
const log = process.env.LOGGED ? () => {} : undefined;
b2auth.authorize({ keyId, key, log }).catch(() => {});
b2auth.authorizeMany([{ keyId, key }], { log }).catch(() => {});
process.stdin.once('data', () => { END });
`;
const ends = {
  'process.exit': { source: 'process.exit(7)', code: 7, err: /^$/ },
  'an uncaught error': { source: 'throw new Error("mine")', code: 1, err: /Error: mine/ },
};
for (const [how, { source, code, err }] of Object.entries(ends)) {
  for (const logged of [false, true]) {
    test(`the process ends in the middle of calls by ${how}${logged ? ', with logs' : ''}`, async (t) => {
      const { credentials, untilHeld } = await heldKey(t);
      const { child, ended } = program(`process.env.LOGGED = ${JSON.stringify(logged ? '1' : '')};${CALLS.replace('END', source)}`, {
        argv: [credentials.keyId, credentials.key],
      });
      await untilHeld();
      child.stdin.write('now\n');
      const result = await ended;
      assert.deepStrictEqual([result.code, result.signal], [code, null], result.err);
      assert.match(result.err, err);
    });
  }
}

test('a process that exits while its log is busy ends', async () => {
  const key = await newKey();
  const source = `
    const [keyId, key] = process.argv.slice(1);
    const again = () => b2auth.authorize({ keyId, key, cache: 'bypass', rate_limit_per_minute: 0, log: () => {} }).then(again, () => {});
    for (let number = 0; number < 8; number++) again();
    setTimeout(() => process.exit(0), process.argv[3]);`;
  for (const delay of [100, 200, 300, 400]) {
    const result = await program(source, { argv: [key.keyId, key.key, String(delay)] }).ended;
    assert.deepStrictEqual([result.code, result.signal, result.err], [0, null, '']);
  }
});

const noPreload = !process.env.B2AUTH_SLOW_LOAD && 'B2AUTH_SLOW_LOAD names no library made of slow_load.c';
test('a process that exits while the worker for logs loads koffi ends', { skip: noPreload }, async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'b2auth-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const marker = path.join(directory, 'loading');
  const source = `
    b2auth.authorize({ log: () => {} }).catch(() => {});
    setInterval(() => { if (require('node:fs').existsSync(process.env.B2AUTH_TEST_LOADING)) process.exit(7); }, 1);`;
  const env = { LD_PRELOAD: process.env.B2AUTH_SLOW_LOAD, B2AUTH_TEST_LOADING: marker };
  const { code, signal, err } = await program(source, { env }).ended;
  assert.deepStrictEqual([code, signal, err], [7, null, '']);
});

test('SIGTERM and SIGINT end a process in the middle of calls', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    const { credentials, untilHeld } = await heldKey(t);
    const { child, ended } = program(CALLS, { argv: [credentials.keyId, credentials.key] });
    await untilHeld();
    child.kill(signal);
    assert.strictEqual((await ended).signal, signal);
  }
});

test('a process whose calls have ended ends by itself, its log worker with it', async () => {
  const source = `b2auth.authorize({ log: () => {} }).then(({ accountId }) => console.log(accountId))`;
  const { code, out } = await program(source).ended;
  assert.deepStrictEqual([code, out], [0, '4aa9865d6f00\n']);
});

test('a worker is terminated in the middle of calls', async (t) => {
  for (const logged of [false, true]) {
    const { credentials, untilHeld, release } = await heldKey(t);
    const worker = new Worker(
      `const { workerData: { credentials, PACKAGE, logged } } = require('node:worker_threads');
       const b2auth = require(PACKAGE);
       b2auth.authorize({ ...credentials, log: logged ? () => {} : undefined });`,
      { eval: true, workerData: { credentials, PACKAGE, logged } }
    );
    await untilHeld();
    const gone = once(worker, 'exit');
    const terminated = worker.terminate();
    // The thread waits for its call, which termination does not cancel.
    await release();
    await terminated;
    await gone;
  }
});
