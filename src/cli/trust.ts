import { Command } from 'commander';

import type { Io } from './io.ts';
import { strict } from './subcommand.ts';
import { checkCommand } from './trust-check.ts';
import { confirmCommand } from './trust-confirm.ts';
import { csrCommand } from './trust-csr.ts';
import { approveCommand, declineCommand, enrolCommand } from './trust-enrol.ts';
import { fingerprintCommand } from './trust-fingerprint.ts';
import { importCommand } from './trust-import.ts';
import { initCommand } from './trust-init.ts';
import { inviteCommand } from './trust-invite.ts';
import { listCommand, showCommand } from './trust-list.ts';
import { requestCommand } from './trust-request.ts';
import {
  pauseCommand,
  refreshCommand,
  reinstateCommand,
  resumeCommand,
  revokeCommand,
} from './trust-revoke.ts';
import { rotateCommand } from './trust-rotate.ts';
import { signCommand } from './trust-sign.ts';

export function trustCommand(io: Io): Command {
  const trust = new Command('trust').description('Whom we trust, and our own keys and certificates.');
  for (const commandOf of [
    listCommand,
    showCommand,
    enrolCommand,
    approveCommand,
    declineCommand,
    revokeCommand,
    reinstateCommand,
    pauseCommand,
    resumeCommand,
    refreshCommand,
    checkCommand,
    confirmCommand,
    initCommand,
    csrCommand,
    importCommand,
    requestCommand,
    signCommand,
    rotateCommand,
    inviteCommand,
    fingerprintCommand,
  ]) {
    trust.addCommand(strict(commandOf(io)));
  }
  return trust;
}
