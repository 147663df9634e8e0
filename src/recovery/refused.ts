/** What an admin asked is not to be done: the message is a sentence with what is wrong and the mend. */
export class CommandRefused extends Error {
  override readonly name = 'CommandRefused';
}
