'use strict';

const test = require('node:test');
const assert = require('node:assert');
const { inspect } = require('node:util');
const { ACCOUNT, b2auth, ask, failNext, newKey, requestsOf } = require('./sandbox');

const WRONG = `K001${'w'.repeat(27)}`;
const isError = (status) => (error) => error instanceof b2auth.B2Error && error.status === status;

test('the key of the environment', async () => {
  const session = await b2auth.authorize();
  const realm = process.env.B2_ENVIRONMENT;
  assert.strictEqual(session.accountId, ACCOUNT);
  assert.strictEqual(session.keyId, process.env.B2_APPLICATION_KEY_ID);
  for (const field of ['realm', 'apiUrl', 'downloadUrl']) assert.strictEqual(session[field], realm);
  assert.strictEqual(session.s3ApiUrl, 'https://s3.us-west-004.backblazeb2.com');
  assert.strictEqual(session.s3Region, 'us-west-004');
  assert.strictEqual(session.recommendedPartSize, 100_000_000);
  assert.strictEqual(session.absoluteMinimumPartSize, 5_000_000);
  assert.ok(session.capabilities.includes('readFiles'));
  for (const field of ['buckets', 'namePrefix', 'keyExpiresAt']) assert.strictEqual(session[field], null);
  assert.ok(session.secondsLeft > 80_000 && session.secondsLeft <= 86_400);
  const hours = (session.expiresAt - Date.now()) / 3_600_000;
  assert.ok(hours > 23 && hours <= 24, String(hours));
  assert.strictEqual(JSON.parse(session.secretJson()).authorizationToken, session.authorizationToken);
});

test('a restricted key', async () => {
  const keyExpiresAt = new Date('2035-05-17T03:33:20Z');
  const key = await newKey({
    buckets: [{ id: 'b1b1', name: 'photos' }, { id: 'b2b2', name: null }],
    namePrefix: 'p/',
    capabilities: ['listFiles', 'readFiles'],
    expirationTimestamp: keyExpiresAt.getTime(),
  });
  const session = await b2auth.authorize(key);
  assert.deepStrictEqual(session.buckets, [{ id: 'b1b1', name: 'photos' }, { id: 'b2b2', name: null }]);
  assert.strictEqual(session.namePrefix, 'p/');
  assert.deepStrictEqual(session.capabilities, ['listFiles', 'readFiles']);
  assert.deepStrictEqual(session.keyExpiresAt, keyExpiresAt);
  assert.deepStrictEqual((await b2auth.authorize(await newKey({ buckets: [] }))).buckets, []);
});

test('a rejected session is replaced once', async () => {
  const key = await newKey();
  const first = await b2auth.authorize(key);
  const second = await b2auth.reauthorize({ ...key, rejected: first });
  const third = await b2auth.reauthorize({ ...key, rejected: first });
  assert.notStrictEqual(second.authorizationToken, first.authorizationToken);
  assert.strictEqual(third.authorizationToken, second.authorizationToken);
  assert.strictEqual(await requestsOf(key), 2);
  second.invalidate();
  await b2auth.authorize(key);
  assert.strictEqual(await requestsOf(key), 3);
  await b2auth.reauthorize(key);
  assert.strictEqual(await requestsOf(key), 4);
});

test('many', async () => {
  const [good, other] = [await newKey(), await newKey()];
  const outcomes = await b2auth.authorizeMany([good, { keyId: other.keyId, key: WRONG }, good, {}], { concurrency: 2 });
  assert.deepStrictEqual(outcomes.map(({ constructor }) => constructor.name), ['Session', 'B2Error', 'Session', 'Session']);
  assert.strictEqual(outcomes[0].authorizationToken, outcomes[2].authorizationToken);
  assert.strictEqual(outcomes[1].httpStatus, 401);
  assert.strictEqual(outcomes[3].accountId, ACCOUNT);
  assert.deepStrictEqual(await b2auth.authorizeMany([]), []);
});

test('the action in JSON', async () => {
  const key = await newKey();
  const answer = JSON.parse(await b2auth.authorizeJson(key));
  assert.deepStrictEqual(Object.keys(answer), ['accountId', 'apiUrl', 'authorizationToken', 'downloadUrl']);
  assert.strictEqual(await b2auth.authorizeJson(JSON.stringify(key)), JSON.stringify(answer));
  const { error } = JSON.parse(await b2auth.authorizeJson({ ...key, key: WRONG }));
  assert.strictEqual(error.status, 'B2_BAD_CREDENTIALS');
  assert.strictEqual(JSON.parse(await b2auth.authorizeJson('no JSON')).error.status, 'B2_INVALID_ARGUMENT');
});

test('a closed session is not read', async () => {
  const session = await b2auth.authorize();
  session.close();
  session.close();
  assert.throws(() => session.accountId, TypeError);
  await assert.rejects(b2auth.reauthorize({ rejected: session }), TypeError);
  assert.match(inspect(session), /closed: true/);
});

test('sessions and errors show no key and no token', async () => {
  const key = await newKey();
  const session = await b2auth.authorize(key);
  const error = await b2auth.authorize({ ...key, key: WRONG }).catch((failure) => failure);
  const shown = [session, error, { session, error }].flatMap((thing) => [
    inspect(thing, { showHidden: true, depth: 9, getters: false }),
    String(thing),
    `${thing.stack}`,
    JSON.stringify(thing),
    JSON.stringify(structuredClone(thing instanceof Error ? thing : { ...thing })),
  ]);
  assert.match(shown[0], new RegExp(session.accountId));
  for (const text of shown) {
    for (const secret of [key.key, WRONG, session.authorizationToken]) assert.ok(!text.includes(secret), text);
  }
});

test('an error has all its fields', async () => {
  const key = await newKey();
  const error = await b2auth.authorize({ ...key, key: WRONG }).catch((failure) => failure);
  assert.ok(error instanceof b2auth.B2Error && error instanceof Error);
  assert.strictEqual(error.status, b2auth.Status.BAD_CREDENTIALS);
  assert.strictEqual(error.statusName, 'B2_BAD_CREDENTIALS');
  assert.deepStrictEqual([error.httpStatus, error.code, error.attempts], [401, 'unauthorized', 1]);
  assert.deepStrictEqual([error.retryable, error.retryAfterMs], [false, null]);
  assert.ok(error.hint && error.requestId && error.message);
  assert.strictEqual(error.runLog.error.attempts.length, 1);
  assert.strictEqual(JSON.parse(JSON.stringify(error)).hint, error.hint);
  assert.match(error.stack, /session\.test\.js/);

  await failNext(key, { status: 503, retryAfter: 7 });
  const busy = await b2auth.authorize({ ...key, cache: 'refresh', total_timeout_ms: 2000 }).catch((failure) => failure);
  assert.strictEqual(busy.status, b2auth.Status.SERVICE_UNAVAILABLE);
  assert.ok(busy.retryable && busy.retryAfterMs > 6000 && busy.retryAfterMs <= 7000);
});

test('what is wrong with the arguments', async () => {
  const key = await newKey();
  const { INVALID_ARGUMENT } = b2auth.Status;
  const misspelt = await b2auth.authorize({ max_attempt: 3 }).catch((failure) => failure);
  assert.ok(isError(INVALID_ARGUMENT)(misspelt));
  assert.match(misspelt.hint, /max_attempts/);
  for (const wrong of [{ max_attempts: 6 }, { max_attempts: 2.5 }, { cache: 'always' }, { key: `${key.key}\0x` }, { realm: 'a\0b' }]) {
    await assert.rejects(b2auth.authorize({ ...key, ...wrong }), isError(INVALID_ARGUMENT), inspect(wrong));
  }
  for (const wrong of [{ key: Buffer.from('K001secret') }, { key: 17 }, { max_attempts: [] }, { log: 'stderr' }]) {
    const failure = await b2auth.authorize({ ...key, ...wrong }).catch((error) => error);
    assert.ok(failure instanceof TypeError);
    assert.ok(!failure.message.includes('secret'));
  }
  await assert.rejects(b2auth.authorize('K001secret'), TypeError);
  assert.strictEqual(await requestsOf(key), 0);
});

test('when a new token is the cure', () => {
  assert.ok(b2auth.shouldReauthorize(401, 'expired_auth_token'));
  assert.ok(b2auth.shouldReauthorize(401));
  assert.ok(!b2auth.shouldReauthorize(401, 'unauthorized'));
  assert.ok(!b2auth.shouldReauthorize(403, 'bad_auth_token'));
  assert.ok(!b2auth.shouldReauthorizeBody(401, '{"code": "unauthorized"}'));
  for (const body of ['{"code": "bad_auth_token"}', '', '[1]', 'null', '{"code": 5}', '{"code": "expired', '{"code": "a\\u0000"}']) {
    assert.ok(b2auth.shouldReauthorizeBody(401, body), body);
  }
});

test('counters and the cache', async () => {
  const key = await newKey();
  await b2auth.authorize(key);
  const hits = b2auth.counter('cache_hits');
  await b2auth.authorize(key);
  assert.strictEqual(b2auth.counter('cache_hits'), hits + 1);
  assert.strictEqual(b2auth.counter('no_such_counter'), 0);
  b2auth.cacheClear();
  await b2auth.authorize(key);
  assert.strictEqual(await requestsOf(key), 2);
  await ask('log');
});
