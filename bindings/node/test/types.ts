// Compiled by tsc, never run: each line below @ts-expect-error has to be wrong.
import {
  authorize,
  authorizeJson,
  authorizeMany,
  B2Error,
  counter,
  diagnose,
  reauthorize,
  type Report,
  Session,
  shouldReauthorize,
  Status,
} from 'b2auth';

async function program(): Promise<void> {
  const session: Session = await authorize({ keyId: 'id', key: null, max_attempts: 2, signal: AbortSignal.timeout(1) });
  const size: number = session.recommendedPartSize;
  const buckets = session.buckets?.map(({ name }) => name ?? 'hidden');
  await reauthorize({ rejected: session, log: (level, message) => console.log(level === 'warn', message.length, size, buckets) });
  for (const outcome of await authorizeMany([{}, { keyId: 'id', key: 'key' }], { concurrency: 2 })) {
    if (outcome instanceof B2Error) {
      const wait: number | null = outcome.retryAfterMs;
      console.log(outcome.status === Status.TIMEOUT, wait, outcome.hint?.length);
    } else {
      const end: Date = outcome.expiresAt;
      console.log(end);
    }
  }
  const text: string = await authorizeJson({ fields: 'all' });
  const cure: boolean = shouldReauthorize(401, null) && counter('requests') > 0 && text !== '';

  const report: Report = await diagnose({ keyId: 'id', store: 'file:/nowhere', diagnose: 'store' });
  const advice: string[] = report.steps.flatMap((step) => (step.result === 'failed' && step.advice ? [step.advice] : []));
  console.log(report.error?.message, report.steps[0]?.details['records'], advice);

  // @ts-expect-error: nothing else can be looked at
  await diagnose({ diagnose: 'everything' });
  // @ts-expect-error: there may be no error
  report.error.message;
  // @ts-expect-error: an option of that name does not exist
  await authorize({ max_attempt: 2 });
  // @ts-expect-error: nor does this value
  await authorize({ cache: 'always', user_agent: String(cure) });
  // @ts-expect-error: a session is a snapshot
  session.accountId = 'x';
  // @ts-expect-error: only the library makes one
  new Session();
}
void program;
