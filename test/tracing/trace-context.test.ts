import assert from 'node:assert/strict';

import { parseTraceparent, traceparentOf } from '../../src/tracing/trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

describe('the trace context of a caller', () => {
  it('is read where it is one of version 00', () => {
    const read = parseTraceparent(`00-${TRACE}-${SPAN}-01`);
    assert.deepEqual(read, { traceId: TRACE, spanId: SPAN, sampled: true });
    assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-00`)?.sampled, false);
    assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-03`)?.sampled, true);
    assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-fe`)?.sampled, false);
  });

  it('is none where it is anything else', () => {
    const wrong = [
      ...[undefined, '', '00', `00-${TRACE}-${SPAN}`, `00-${TRACE}-${SPAN}-1`, `00-${TRACE}-${SPAN}-01-x`],
      ...[`ff-${TRACE}-${SPAN}-01`, `00-${'0'.repeat(32)}-${SPAN}-01`, `00-${TRACE}-${'0'.repeat(16)}-01`],
      ...[`00-${TRACE.toUpperCase()}-${SPAN}-01`, `00-${TRACE}-${SPAN}-01\n`, ` 00-${TRACE}-${SPAN}-01`],
    ];
    for (const header of wrong) assert.equal(parseTraceparent(header), undefined, header);
  });

  it('is handed on with no flag but whether it is recorded', () => {
    for (const sampled of [true, false]) {
      const context = { traceId: TRACE, spanId: SPAN, sampled };
      assert.deepEqual(parseTraceparent(traceparentOf(context)), context);
    }
  });
});
