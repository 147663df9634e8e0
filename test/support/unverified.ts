const NAME = 'NODE_TLS_REJECT_UNAUTHORIZED';

/** Runs `work` where the environment tells Node to verify no certificate, of which Node warns. */
export async function unverified<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = process.env[NAME];
  process.env[NAME] = '0';
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env[NAME];
    else process.env[NAME] = before;
  }
}
