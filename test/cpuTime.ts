/** Milliseconds of processor time that this process has used. Unlike elapsed time, they do not grow with the load of the machine. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
