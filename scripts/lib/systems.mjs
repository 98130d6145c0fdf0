/**
 * Prints on which systems a command runs, and exits on others. The tests find and end their processes by reading /proc, and the
 * development VS Code and its Node are Linux builds.
 */
export function requireLinux(command) {
  console.log(`${command} runs on Linux (x64 and arm64).`);
  if (process.platform === 'linux') return;
  console.error(`${command} cannot run on ${process.platform}: it finds and ends the processes of its tests by reading /proc.`);
  process.exit(2);
}
