// Stand-in for @vscode/native-watchdog: ends this process when the one it serves is gone.
exports.start = (pid) =>
  setInterval(() => {
    try {
      process.kill(pid, 0);
    } catch {
      process.exit(87);
    }
  }, 2000).unref();
