import assert from 'node:assert/strict';

/** One line with a value, of a metric with its type. */
export interface Series {
  readonly name: string;
  readonly type: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const METRIC = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*';
const QUOTED = String.raw`"(?:[^"\\\n]|\\["\\n])*"`;
const LINE = new RegExp(`^(${METRIC})(?:\\{(${LABEL}=${QUOTED}(?:,${LABEL}=${QUOTED})*)?\\})? (\\S+)$`);
const PAIR = new RegExp(`(${LABEL})=(${QUOTED})`, 'g');

/**
 * Reads Prometheus's text format 0.0.4, and no more than it allows: each metric with its help and its type before its
 * lines, which are together; no series twice; a line feed at the end. Values without a time of their own. The buckets of a
 * histogram hold what those before them hold, and the last of them everything.
 */
export function readMetrics(text: string): Series[] {
  assert.ok(text.endsWith('\n'), 'the last line ends');
  const found: Series[] = [];
  const helped = new Set<string>();
  const seen = new Set<string>();
  let present: { name: string; type: string } | undefined;
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [, help] = new RegExp(`^# HELP (${METRIC}) .+$`).exec(line) ?? [];
    if (help !== undefined) {
      assert.ok(!helped.has(help), `${help} once`);
      helped.add(help);
      continue;
    }
    const [, name, type] = new RegExp(`^# TYPE (${METRIC}) (gauge|counter|histogram)$`).exec(line) ?? [];
    if (name !== undefined && type !== undefined) {
      assert.ok(helped.has(name), `${name} has a help`);
      present = { name, type };
      continue;
    }
    const [, metric, pairs = '', number = ''] =
      LINE.exec(line) ?? assert.fail(`no line of the format: ${line}`);
    const suffix = present?.type === 'histogram' ? /_(?:bucket|sum|count)$/ : /$/;
    assert.equal(metric?.replace(suffix, ''), present?.name);
    assert.ok(present?.type !== 'counter' || metric?.endsWith('_total'), `${metric} counts`);
    const labels = Object.fromEntries(
      [...pairs.matchAll(PAIR)].map(([, label = '', quoted = '']) => [label, unquoted(quoted)]),
    );
    const series = JSON.stringify([metric, Object.entries(labels).sort()]);
    assert.ok(!seen.has(series), `${series} once`);
    seen.add(series);
    const value = Number(number);
    assert.ok(Number.isFinite(value), line);
    found.push({ name: metric ?? '', type: present?.type ?? '', labels, value });
  }
  checkHistograms(found);
  return found;
}

function checkHistograms(series: readonly Series[]): void {
  const buckets = series.filter(({ type, name }) => type === 'histogram' && name.endsWith('_bucket'));
  const ofOne = ({ name, labels }: Series): string => {
    const { le: _, ...rest } = labels;
    return JSON.stringify([name.replace(/_bucket$|_count$/, ''), Object.entries(rest).sort()]);
  };
  const counts = new Map(
    series.filter(({ name }) => name.endsWith('_count')).map((one) => [ofOne(one), one.value]),
  );
  for (const [key, of] of Map.groupBy(buckets, ofOne)) {
    const bounds = of.map(({ labels }) => (labels['le'] === '+Inf' ? Infinity : Number(labels['le'])));
    const values = of.map(({ value }) => value);
    assert.deepEqual(
      bounds,
      bounds.toSorted((one, other) => one - other),
      key,
    );
    assert.deepEqual(
      values,
      values.toSorted((one, other) => one - other),
      key,
    );
    assert.deepEqual([bounds.at(-1), values.at(-1)], [Infinity, counts.get(key)], key);
  }
}

function unquoted(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one));
}
