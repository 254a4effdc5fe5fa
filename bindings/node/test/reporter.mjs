// A line for each test: ok, not ok or SKIP.
export default async function* lines(events) {
  for await (const { type, data } of events) {
    if (type === 'test:stderr' || type === 'test:stdout') yield data.message;
    if (data.details?.type === 'suite' || data.file === data.name) continue;
    if (type === 'test:pass') yield data.skip === undefined ? `ok node: ${data.name}\n` : `SKIP node: ${data.name}: ${data.skip}\n`;
    if (type === 'test:fail') {
      const error = data.details.error;
      yield `${error.cause?.stack ?? error.cause ?? error.stack}\nnot ok node: ${data.name}\n`;
    }
  }
}
