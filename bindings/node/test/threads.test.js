'use strict';

const test = require('node:test');
const assert = require('node:assert');
const { once } = require('node:events');
const fs = require('node:fs');
const { Worker } = require('node:worker_threads');
const { PACKAGE, b2auth, heldKey, newKey, program, requestsOf } = require('./sandbox');

test('200 calls at once are one request', async () => {
  const key = await newKey();
  const sessions = await Promise.all(Array.from({ length: 200 }, () => b2auth.authorize(key)));
  assert.strictEqual(new Set(sessions).size, 200);
  assert.strictEqual(new Set(sessions.map(({ authorizationToken }) => authorizationToken)).size, 1);
  assert.strictEqual(await requestsOf(key), 1);
  // Each is its caller's own.
  sessions[0].close();
  assert.ok(sessions[1].authorizationToken);
});

test('600 calls that are not alike are all made', async () => {
  const keys = await Promise.all(Array.from({ length: 600 }, () => newKey()));
  const sessions = await Promise.all(keys.map((key) => b2auth.authorize(key)));
  assert.deepStrictEqual(sessions.map(({ keyId }) => keyId), keys.map(({ keyId }) => keyId));
});

test('200 dead tokens are replaced by one request', async () => {
  const key = await newKey();
  const rejected = await b2auth.authorize(key);
  await Promise.all(Array.from({ length: 200 }, () => b2auth.reauthorize({ ...key, rejected })));
  assert.strictEqual(await requestsOf(key), 2);
});

test('calls that fail together fail each with an error of its own', async () => {
  const key = await newKey();
  const wrong = { ...key, key: `K001${'w'.repeat(27)}` };
  const errors = await Promise.all(Array.from({ length: 20 }, () => b2auth.authorize(wrong).catch((error) => error)));
  assert.strictEqual(new Set(errors).size, 20);
  assert.ok(errors.every(({ status }) => status === b2auth.Status.BAD_CREDENTIALS));
  assert.strictEqual(await requestsOf(key), 1);
});

test('calls that pass the cache by are not shared', async () => {
  const key = await newKey();
  await Promise.all(Array.from({ length: 4 }, () => b2auth.authorize({ ...key, cache: 'bypass' })));
  assert.strictEqual(await requestsOf(key), 4);
});

test('the event loop ticks, and files are read, while calls wait', async (t) => {
  const { credentials, untilHeld, release } = await heldKey(t);
  let done = false;
  // As many as libuv has threads, and more.
  const calls = Promise.all(Array.from({ length: 8 }, () => b2auth.authorize(credentials))).then(() => (done = true));
  await untilHeld();
  for (let tick = 0; tick < 100; tick++) await new Promise(setImmediate);
  await fs.promises.readFile(__filename);
  assert.strictEqual(done, false);
  await release();
  await calls;
});

test('workers share the cache of the process', async () => {
  const key = await newKey();
  const source = `
    const { parentPort, workerData: { key, PACKAGE } } = require('node:worker_threads');
    const b2auth = require(PACKAGE);
    Promise.all(Array.from({ length: 20 }, (_, number) => b2auth.authorize({ ...key, log: number % 2 ? () => {} : undefined })))
      .then((sessions) => parentPort.postMessage(sessions.map(({ authorizationToken }) => authorizationToken)));`;
  const workers = Array.from({ length: 4 }, () => new Worker(source, { eval: true, workerData: { key, PACKAGE } }));
  const said = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
  await Promise.all(workers.map((worker) => worker.terminate()));
  assert.strictEqual(new Set(said.flat()).size, 1);
  assert.strictEqual(said.flat().length, 80);
  assert.strictEqual(await requestsOf(key), 1);
});

test('sessions are closed and collected while calls use them', async () => {
  const key = await newKey();
  const source = `
    const [keyId, key] = process.argv.slice(1);
    (async () => {
      const gc = setInterval(global.gc, 1);
      let tokens = new Set();
      for (let turn = 0; turn < 50; turn++) {
        let session = await b2auth.authorize({ keyId, key, rate_limit_per_minute: 0 });
        tokens.add(session.authorizationToken);
        const again = b2auth.reauthorize({ keyId, key, rejected: session, rate_limit_per_minute: 0 });
        // The call has a reference of its own; here and in the cache there is none any more.
        session.close();
        session = null;
        b2auth.cacheClear();
        (await again).close();
      }
      clearInterval(gc);
      console.log(tokens.size);
    })();`;
  const { code, out, err } = await program(source, { flags: ['--expose-gc'], argv: [key.keyId, key.key] }).ended;
  assert.deepStrictEqual([code, err], [0, '']);
  assert.match(out, /^\d+\n$/);
});

test('every session, error, option, cancel and report is freed', async () => {
  // Counts what the library hands out and what it gets back, by wrapping its functions.
  const source = `
    const path = require('node:path');
    const { b2 } = require(path.join(path.dirname(require.resolve(process.argv[3])), 'lib', 'library'));
    const live = { session: 0, error: 0, options: 0, cancel: 0, string: 0 };
    const wrap = (name, count) => {
      const whole = b2[name];
      b2[name] = (...all) => { const result = whole(...all); count(result, all); return result; };
      if (whole.async) b2[name].async = (...all) => {
        const ended = all.pop();
        whole.async(...all, (failure, status) => { count(status, all); ended(failure, status); });
      };
    };
    for (const kind of Object.keys(live)) wrap(kind + '_free', (_, [address]) => { if (address) live[kind]--; });
    for (const kind of ['options', 'cancel']) wrap(kind + '_new', () => live[kind]++);
    wrap('session_retain', (address) => { if (address) live.session++; });
    const outs = (_, all) => {
      live.session += all.at(-2).filter(Boolean).length;
      live.error += all.at(-1).filter(Boolean).length;
    };
    for (const name of ['authorize_with', 'reauthorize', 'authorize_many']) wrap(name, outs);
    wrap('diagnose_json', (_, all) => { if (all.at(-1)[0]) live.string++; });
    wrap('options_set', (_, all) => { if (all.at(-1)[0]) live.error++; });

    const [keyId, key] = process.argv.slice(1);
    const wrong = { keyId, key: 'K001' + 'w'.repeat(27) };
    const controller = new AbortController();
    (async () => {
      for (let turn = 0; turn < 5; turn++) {
        const all = Array.from({ length: 10 }, () => b2auth.authorize({ keyId, key }));
        (await all[0]).close();
        const rejected = await all[1];
        all.push(b2auth.authorize(wrong), b2auth.authorize({ max_attempt: 1 }), b2auth.authorizeMany([wrong, { keyId, key }]));
        all.push(b2auth.reauthorize({ keyId, key, rejected, rate_limit_per_minute: 0 }));
        all.push(b2auth.authorize({ keyId, key, signal: controller.signal, cache: 'bypass', rate_limit_per_minute: 0 }));
        const unlimited = { rate_limit_per_minute: 0, signal: controller.signal };
        all.push(b2auth.diagnose({ ...wrong, rate_limit_per_minute: 0 }), b2auth.diagnose({ keyId, key, ...unlimited }));
        all.push(b2auth.diagnose({ diagnose: 'everything' }));
        controller.abort();
        await Promise.allSettled(all);
      }
    })().then(async () => {
      const seen = Object.keys(live).every((kind) => live[kind] >= 0);
      for (let wait = 0; wait < 2000 && Object.values(live).some(Boolean); wait++) {
        global.gc();
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      console.log(seen, JSON.stringify(live));
    });`;
  const key = await newKey();
  const argv = [key.keyId, key.key, PACKAGE];
  const { code, out, err } = await program(source, { flags: ['--expose-gc'], argv }).ended;
  assert.deepStrictEqual([code, out, err], [0, 'true {"session":0,"error":0,"options":0,"cancel":0,"string":0}\n', '']);
});
