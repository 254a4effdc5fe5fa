'use strict';
// The diagnosis: reports, and that what fails is in them.

const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { PACKAGE, b2auth, heldKey, newKey, requestsOf } = require('./sandbox');
const { b2 } = require(path.join(PACKAGE, 'lib', 'library'));

const WRONG = `K001${'w'.repeat(27)}`;
const isRefused = ({ status }) => status === b2auth.Status.INVALID_ARGUMENT;
const step = (report, name) => report.steps.find((each) => each.name === name);
const stepsThatAre = (report, result) => report.steps.filter((each) => each.result === result).map(({ name }) => name);

test('every step where all is well', async () => {
  const key = await newKey({ capabilities: ['readFiles'] });
  const report = await b2auth.diagnose(key);
  assert.deepStrictEqual([report.status, report.result, report.error, report.requests], ['B2_OK', 'ok', null, 1]);
  assert.deepStrictEqual(
    stepsThatAre(report, 'ok'),
    ['credentials', 'environment', 'realm', 'proxy', 'lookUp', 'connect', 'clock', 'authorize', 'key', 'token']
  );
  assert.deepStrictEqual(stepsThatAre(report, 'skipped'), ['roots', 'tunnel', 'tls', 'store']);
  assert.strictEqual(step(report, 'credentials').details.keyId, key.keyId);
  assert.deepStrictEqual(step(report, 'key').details.capabilities, ['readFiles']);
  assert.strictEqual(report.version, b2auth.libraryVersion());
  assert.strictEqual(await requestsOf(key), 1);
  // It has cached nothing.
  await b2auth.authorize(key);
  assert.strictEqual(await requestsOf(key), 2);
});

test('the types have all of a report', async () => {
  const types = fs.readFileSync(path.join(PACKAGE, 'index.d.ts'), 'utf8');
  const members = (name) => [...types.match(new RegExp(`interface ${name} \\{([^}]*)\\}`))[1].matchAll(/^  (\w+): /gm)].map(([, member]) => member).sort();
  const report = await b2auth.diagnose({ ...(await newKey()), key: WRONG });
  assert.deepStrictEqual(Object.keys(report).sort(), members('Report'));
  assert.deepStrictEqual(Object.keys(report.error).sort(), members('ReportedError'));
  for (const each of report.steps) assert.deepStrictEqual(Object.keys(each).sort(), members('Step'));
});

test('a wrong key is a step that failed', async () => {
  const key = await newKey();
  const report = await b2auth.diagnose({ ...key, key: WRONG });
  assert.deepStrictEqual([report.status, report.result], ['B2_BAD_CREDENTIALS', 'failed']);
  assert.deepStrictEqual(stepsThatAre(report, 'failed'), ['authorize']);
  assert.ok(step(report, 'authorize').advice);
  assert.strictEqual(step(report, 'authorize').details.httpStatus, 401);
  for (const secret of [WRONG, key.key]) assert.ok(!JSON.stringify(report).includes(secret));
  const error = await b2auth.authorize({ ...key, key: WRONG }).catch((failure) => failure);
  assert.deepStrictEqual([report.error.message, report.error.hint], [error.message, error.hint]);
});

test('without a report there is an error', async () => {
  const key = await newKey();
  for (const wrong of [{ diagnose: 'everything' }, { max_attempts: 6 }, { key: `${key.key}\0x` }]) {
    await assert.rejects(b2auth.diagnose({ ...key, ...wrong }), isRefused);
  }
  await assert.rejects(b2auth.diagnose({ ...key, key: 17 }), TypeError);
  assert.strictEqual(await requestsOf(key), 0);
});

test('a deadline is told by the report', async (t) => {
  const { credentials } = await heldKey(t);
  const report = await b2auth.diagnose({ ...credentials, total_timeout_ms: 300 });
  assert.deepStrictEqual([report.status, stepsThatAre(report, 'failed')], ['B2_TIMEOUT', ['authorize']]);
  assert.strictEqual(step(report, 'connect').result, 'ok');
});

test('a signal ends a diagnosis, and its report is freed', async (t) => {
  // As they stand in perform.js: the same functions, watched.
  const { string_free: free, cancel_trigger: trigger } = b2;
  let freed = 0;
  let triggered = 0;
  let both;
  const ended = new Promise((resolve) => (both = resolve));
  t.after(() => Object.assign(b2, { string_free: free, cancel_trigger: trigger }));
  b2.cancel_trigger = (cancel) => (triggered++, trigger(cancel));
  b2.string_free = (text) => {
    assert.notStrictEqual(text, null);
    free(text);
    freed++;
    both();
  };
  const { credentials, untilHeld } = await heldKey(t);
  const controller = new AbortController();
  const call = b2auth.diagnose({ ...credentials, signal: controller.signal });
  await untilHeld();
  controller.abort();
  await assert.rejects(call, { name: 'AbortError' });
  assert.strictEqual(triggered, 1);
  // The latch is closed, so it is the cancel that ends the call in the library.
  await Promise.race([ended, new Promise((_, reject) => setTimeout(reject, 10_000, new Error('it goes on')).unref())]);
  assert.strictEqual(freed, 1);
  await assert.rejects(b2auth.diagnose({ ...credentials, signal: AbortSignal.abort() }), { name: 'AbortError' });
  await b2auth.diagnose(await newKey());
  assert.strictEqual(freed, 2);
});

test('diagnoses that overlap are not shared', async () => {
  const key = await newKey();
  const reports = await Promise.all([b2auth.diagnose(key), b2auth.diagnose(key)]);
  assert.deepStrictEqual(reports.map(({ requests }) => requests), [1, 1]);
  assert.strictEqual(await requestsOf(key), 2);
});

test('a diagnosis with a log', async () => {
  const key = await newKey();
  const lines = [];
  const report = await b2auth.diagnose({ ...key, log: (level, message) => lines.push(message) });
  assert.strictEqual(report.status, 'B2_OK');
  assert.match(lines.at(-1), /granted a session/);
  assert.ok(!lines.join().includes(key.key));
  await assert.rejects(b2auth.diagnose({ ...key, diagnose: 'everything', log: () => {} }), isRefused);
});

test('a store is listed and purged', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'b2auth-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const folder = path.join(directory, 'tokens');
  const store = `file:${folder}`;
  await b2auth.authorize({ ...(await newKey()), store });
  // It needs no key, and sends nothing.
  const look = async (diagnose) => {
    const requests = b2auth.counter('requests');
    const report = await b2auth.diagnose({ store, diagnose, credentials: 'given' });
    assert.deepStrictEqual([report.status, report.requests, stepsThatAre(report, 'ok')], ['B2_OK', 0, ['store']]);
    assert.strictEqual(b2auth.counter('requests'), requests);
    return report.steps[0].details;
  };
  const found = await look('store');
  assert.deepStrictEqual([found.records, found.dead], [1, 0]);
  assert.ok(found.place.includes(folder) && found.entries.some(({ kind }) => kind === 'record'));
  // A record whose token ended two hours ago.
  const dead = path.join(folder, '0123456789abcdef0123456789abcdef');
  fs.writeFileSync(dead, Buffer.alloc(1000), { mode: 0o600 });
  const old = Date.now() / 1000 - 26 * 3600;
  fs.utimesSync(dead, old, old);
  const { records, dead: ended, removed } = await look('store');
  assert.deepStrictEqual([records, ended, removed], [2, 1, 0]);
  assert.strictEqual((await look('purge')).removed, 1);
  assert.ok(!fs.existsSync(dead));
  assert.strictEqual((await look('store')).records, 1);

  const none = await b2auth.diagnose({ store: 'none', diagnose: 'store' });
  assert.deepStrictEqual([none.status, stepsThatAre(none, 'failed')], ['B2_INVALID_ARGUMENT', ['store']]);
});
