// Loaded into the extension host before VS Code (`node --require`): writes to $ACTIVATION_LOG what loading and activating our extension cost there, by itself.
const { writeFileSync } = require('node:fs');
const Module = require('node:module');

const OURS = /explain-tokens\.explain-tokens-[^/\\]*[/\\]dist[/\\]extension/;
const LOAD = '_load';
const load = Module[LOAD];
const cpuMs = () => process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000;

Module[LOAD] = function (request, ...rest) {
  if (!OURS.test(request)) return load.call(this, request, ...rest);
  const start = performance.now();
  const startCpu = cpuMs();
  const loaded = load.call(this, request, ...rest);
  const loadMs = performance.now() - start;
  const loadCpuMs = cpuMs() - startCpu;
  return {
    ...loaded,
    activate(context) {
      const begin = performance.now();
      const beginCpu = cpuMs();
      const result = loaded.activate(context);
      writeFileSync(
        process.env.ACTIVATION_LOG,
        JSON.stringify({ loadMs, activateMs: performance.now() - begin, cpuMs: loadCpuMs + cpuMs() - beginCpu }),
      );
      return result;
    },
  };
};
