'use strict';
// The package against the library and its header.

const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { PACKAGE, b2auth } = require('./sandbox');
const { FUNCTIONS, platform } = require(path.join(PACKAGE, 'lib', 'library'));

const include = path.join(__dirname, '..', '..', '..', 'include');
const header = fs.readFileSync(path.join(include, 'b2auth.cdef.h'), 'utf8');

/** A declaration as this package writes it: handles are addresses. */
function likeOurs(declaration) {
  return declaration
    .replace(/\s+/g, ' ')
    .replace(/void \(\*release\)\(void \*user_data\)/, 'void *release')
    .replace(/\(void\)/, '()')
    .replace(/^b2_status /, 'int ')
    .replace(/\bb2_log_fn log\b/, 'b2_log_fn *log')
    .replace(/void \*user_data/, 'uintptr_t user_data')
    .replace(/const char \*const \*/g, 'const char **')
    .replace(/(?:const )?b2_(?:session|error|options|cancel) \*\*/g, '_Out_ void **')
    .replace(/char \*\*out/, '_Out_ void **out')
    .replace(/(?:const )?b2_(?:session|error|options|cancel) \*/g, 'void *')
    .replace(/(?<!const )char \*string/, 'void *string');
}

test('the functions are declared as in the header', () => {
  const declared = header
    .split(';')
    .map((declaration) => declaration.replace(/^[^]*\*\//, '').trim())
    .filter((declaration) => /\bb2_\w+\(/.test(declaration))
    .map(likeOurs);
  assert.ok(declared.length > 50);
  for (const ours of FUNCTIONS) assert.ok(declared.includes(ours), ours);
});

test('the statuses are those of the header', () => {
  const [, statuses] = header.match(/typedef enum \{([^}]*)\} b2_status;/);
  const inHeader = {};
  for (const [, name, number] of statuses.matchAll(/B2_(\w+) = (\d+)/g)) inHeader[name] = Number(number);
  delete inHeader.STATUS_MAX_ENUM;
  assert.deepStrictEqual({ ...b2auth.Status }, inHeader);
});

test('the types know all options of the library, all statuses and all exports', () => {
  const types = fs.readFileSync(path.join(PACKAGE, 'index.d.ts'), 'utf8');
  const table = fs.readFileSync(path.join(include, '..', 'src', 'options', 'table.rs'), 'utf8');
  const options = [...table.matchAll(/^ *name: "(\w+)",$/gm)].map(([, name]) => name);
  assert.ok(options.length > 15);
  // These belong to calls that the package does not have.
  for (const name of options.filter((option) => !['fields', 'diagnose'].includes(option))) assert.match(types, new RegExp(`^  ${name}\\?: `, 'm'));
  for (const [name, number] of Object.entries(b2auth.Status)) assert.match(types, new RegExp(`readonly ${name}: ${number};`));
  for (const name of Object.keys(b2auth)) assert.match(types, new RegExp(`^export (function|class|const) ${name}\\b`, 'm'));
});

test('the versions are one', () => {
  assert.strictEqual(require(path.join(PACKAGE, 'package.json')).version, b2auth.libraryVersion());
});

test('a library that is not there is an error with advice', () => {
  const run = (environment) =>
    spawnSync(process.execPath, ['-e', `require(${JSON.stringify(PACKAGE)})`], { env: environment, encoding: 'utf8' });
  const { status, stderr } = run({ ...process.env, B2AUTH_LIBRARY: '/nowhere/libb2auth.so' });
  assert.strictEqual(status, 1);
  assert.match(stderr, /libb2auth could not be loaded for .*\/nowhere\/libb2auth\.so.*set B2AUTH_LIBRARY/);
});

test('a library in prebuilds is found', (t) => {
  // Either the package has one, and it is in use, or it gets one for the time of this test.
  const source = process.env.B2AUTH_LIBRARY;
  const file = path.join(PACKAGE, 'prebuilds', platform(), 'libb2auth.so');
  assert.strictEqual(fs.existsSync(file), !source);
  if (source) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    t.after(() => fs.rmSync(path.join(PACKAGE, 'prebuilds'), { recursive: true }));
    fs.copyFileSync(source, file);
  }
  const environment = { ...process.env };
  delete environment.B2AUTH_LIBRARY;
  const program = `require(${JSON.stringify(PACKAGE)}); console.log(require('fs').readFileSync('/proc/self/maps', 'utf8'))`;
  const { stdout } = spawnSync(process.execPath, ['-e', program], { env: environment, encoding: 'utf8' });
  assert.ok(stdout.includes(fs.realpathSync(file)));
});
