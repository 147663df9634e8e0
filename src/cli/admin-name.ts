import { userInfo } from 'node:os';

/** Who gives a command, as the machine names them; what a command writes to the log is sealed with it. */
export function adminName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without a name, as in many containers.
    return 'without a name';
  }
}
