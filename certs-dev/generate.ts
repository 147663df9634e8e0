import { join, resolve } from 'node:path';

import { Command, Option } from 'commander';

import { replaceDirectory } from './directory.ts';
import type { DevelopmentFederation, DevelopmentRegion, DevelopmentViewer } from './federation.ts';
import { FEDERATION } from './federation.ts';
import { regionFault } from './inspect-region.ts';
import { CLOSED_DIRECTORIES, regionLayout } from './layout.ts';
import { makeRegion } from './make-region.ts';
import type { Variant } from './variants.ts';
import { VARIANTS } from './variants.ts';
import { writeVariants } from './write-variants.ts';

/** Where development certificates are kept unless somebody says otherwise. */
export const DEFAULT_DIRECTORY = join(import.meta.dirname, 'generated');

export interface FederationRequest extends DevelopmentFederation {
  readonly directory: string;
  readonly now: Date;
  /** Makes everything again, whatever is there. */
  readonly force?: boolean;
}

export interface RegionReport {
  readonly region: string;
  /** Why the region was made; `undefined` if it was kept, with every byte as it was. */
  readonly madeBecause: string | undefined;
}

/**
 * Sees to it that every region has its keys and certificates below the directory, complete, belonging together
 * and in force at `now`. A region of which that is true is left alone; any other is made again as a whole.
 */
export async function generateFederation(request: FederationRequest): Promise<RegionReport[]> {
  return Promise.all(request.regions.map((region) => generateRegion(region, request.viewers, request)));
}

async function generateRegion(
  region: DevelopmentRegion,
  viewers: readonly DevelopmentViewer[],
  { directory, now, force = false }: FederationRequest,
): Promise<RegionReport> {
  const target = join(directory, region.id);
  const layout = regionLayout(region, viewers);
  const fault = (): Promise<string | undefined> => regionFault(target, layout, now);

  const madeBecause = force ? 'asked to' : await fault();
  if (madeBecause !== undefined) {
    await replaceDirectory({
      target,
      files: await makeRegion(layout, now),
      closed: CLOSED_DIRECTORIES,
      stillWanted: async () => force || (await fault()) !== undefined,
    });
  }
  return { region: region.id, madeBecause };
}

interface Options {
  readonly out: string;
  readonly force: boolean;
}

async function run(options: Options, variants: readonly Variant[]): Promise<void> {
  const directory = resolve(options.out);
  const common = { directory, now: new Date(), force: options.force };
  for (const { region, madeBecause } of await generateFederation({ ...FEDERATION, ...common })) {
    console.log(`${region}: ${madeBecause === undefined ? 'kept' : `made (${madeBecause})`}`);
  }
  const { regions } = FEDERATION;
  for (const report of await writeVariants({ regions, variants, ...common })) {
    console.log(`variants/${report.variant}/${report.region}: ${report.made ? 'made' : 'kept'}`);
  }
  console.log(`Development certificates are in ${directory}`);
}

function command(): Command {
  const generate = new Command('node certs-dev/generate.ts')
    .description('Make keys and certificates for development. What is there and in force is kept.')
    .option('--out <directory>', 'where to write', DEFAULT_DIRECTORY)
    .option('--force', 'make everything again: keys, authorities, certificates', false)
    .action(async (options: Options & Readonly<Record<string, unknown>>) => {
      try {
        await run(
          options,
          VARIANTS.filter((variant) => options[attributeOf(variant)] === true),
        );
      } catch (error) {
        if (!(error instanceof Error && 'syscall' in error)) throw error;
        console.error(
          `--out ${options.out} cannot be used (${error.message}): name a directory you may write.`,
        );
        process.exitCode = 1;
      }
    });
  for (const variant of VARIANTS) {
    generate.addOption(
      new Option(`--${variant}`, 'also make certificates of this kind, which a broker must refuse'),
    );
  }
  return generate;
}

/** commander's name for a flag: `wrong-region` is `wrongRegion`. */
function attributeOf(variant: Variant): string {
  return new Option(`--${variant}`).attributeName();
}

if (import.meta.main) await command().parseAsync();
