'use strict';
// What the tests ask of the sandbox server, and keys of their own, so that no test meets another's cache or limits.

const { spawn } = require('node:child_process');
const { randomBytes } = require('node:crypto');
const path = require('node:path');

const CONTROL = process.env.B2_SANDBOX;
const ACCOUNT = '4aa9865d6f00';
const PACKAGE = process.env.B2AUTH_PACKAGE ?? path.join(__dirname, '..');

async function ask(where, body) {
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const response = await fetch(`${CONTROL}/${where}`, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`the sandbox says ${response.status}: ${text}`);
  return text ? JSON.parse(text) : null;
}

async function newKey(fields = {}) {
  const credentials = { keyId: `001${randomBytes(11).toString('hex')}`, key: `K001${randomBytes(14).toString('hex').slice(1)}` };
  await ask('keys', [{ ...credentials, ...fields }]);
  return credentials;
}

/** A key whose next request waits until the test, or its end, releases it. */
async function heldKey(t) {
  const credentials = await newKey();
  const latch = credentials.keyId;
  await failNext(credentials, { hold: latch });
  t.after(() => ask('release', { latch }));
  return {
    credentials,
    untilHeld: async () => {
      const { held } = await ask(`held?latch=${latch}&atLeast=1&timeoutMs=30000`);
      if (!held) throw new Error('no request came');
    },
    release: () => ask('release', { latch }),
  };
}

const failNext = ({ keyId }, ...faults) => ask('script', { keyId, faults });
const requestsOf = async ({ keyId }) => (await ask(`count?keyId=${keyId}`)).count;

/** Another process that runs this program, with the package as b2auth; resolves to how it ended. */
function program(source, { flags = [], argv = [], env = {} } = {}) {
  const child = spawn(
    process.execPath,
    [...flags, '-e', `const b2auth = require(${JSON.stringify(PACKAGE)});\n${source}`, ...argv],
    { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } }
  );
  let out = '';
  let err = '';
  child.stdout.on('data', (part) => (out += part));
  child.stderr.on('data', (part) => (err += part));
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, out, err })));
  // Much less than the minute that a call may wait, and plenty for what takes a quarter of a second.
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  ended.then(() => clearTimeout(timer));
  return { child, ended };
}

module.exports = { ACCOUNT, PACKAGE, ask, newKey, heldKey, failNext, requestsOf, program, b2auth: require(PACKAGE) };
