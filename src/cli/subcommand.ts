import { InvalidArgumentError, type Command } from 'commander';

/** A wrong call of a subcommand ends as one of a command does: by an error, with the help. */
export function strict(command: Command): Command {
  return command.exitOverride().showHelpAfterError(true);
}

/** Text that came from elsewhere, without what would steer a terminal. */
export function plain(text: string): string {
  return text.replaceAll(/\p{C}/gu, '?');
}

/** An option that may be given several times. */
export function gather(text: string, given: readonly string[] = []): string[] {
  return [...given, text];
}

/** A count or a number of an entry, as an argument gives it. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Write a whole number.');
  return Number(text);
}
