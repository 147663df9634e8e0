import { Command } from 'commander';

import { adminClient, withAdmin, type AdminOptions } from './admin-client.ts';
import type { Io } from './io.ts';
import { plain, strict } from './subcommand.ts';

export function adminCommand(io: Io): Command {
  return new Command('admin').description('Act as an admin.').addCommand(strict(whoamiCommand(io)));
}

function whoamiCommand(io: Io): Command {
  return withAdmin(new Command('whoami'))
    .description('Show for whom a broker takes the admin who asks it.')
    .option('--json', 'print it as JSON')
    .action(async (options: AdminOptions & { json?: true }) => {
      const admin = (await adminClient(options).get('/admin/v1/whoami')) as Whoami;
      if (options.json) return io.print(JSON.stringify(admin));
      const { id, name, role, region } = admin;
      io.print(plain(`${region}: ${id} (${name}), ${role}`));
    });
}

interface Whoami {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly region: string;
}
