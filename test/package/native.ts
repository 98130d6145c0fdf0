/** Folder of the native runtime in a VSIX. */
export const NATIVE = 'extension/dist/native/node_modules/';

const BINARIES: Readonly<Record<string, readonly string[]>> = {
  'linux-x64': ['linux/x64/libonnxruntime.so.1', 'linux/x64/onnxruntime_binding.node'],
  'linux-arm64': ['linux/arm64/libonnxruntime.so.1', 'linux/arm64/onnxruntime_binding.node'],
  'darwin-arm64': ['darwin/arm64/libonnxruntime.1.dylib', 'darwin/arm64/onnxruntime_binding.node'],
  'win32-x64': ['win32/x64/onnxruntime.dll', 'win32/x64/onnxruntime_binding.node'],
  'win32-arm64': ['win32/arm64/onnxruntime.dll', 'win32/arm64/onnxruntime_binding.node'],
};

const COMMON = `
  backend backend-impl env env-impl index inference-session inference-session-impl onnx-model onnx-value tensor tensor-conversion
  tensor-conversion-impl tensor-factory tensor-factory-impl tensor-impl tensor-impl-type-mapping tensor-utils tensor-utils-impl trace
  type-helper version`
  .trim()
  .split(/\s+/);

const SCRIPTS = [
  'onnxruntime-node/package.json',
  ...['backend', 'binding', 'index', 'version'].map((name) => `onnxruntime-node/dist/${name}.js`),
  'onnxruntime-common/package.json',
  'onnxruntime-common/dist/cjs/package.json',
  ...COMMON.map((name) => `onnxruntime-common/dist/cjs/${name}.js`),
];

/** Files of the native runtime in the VSIX of each platform. */
export const NATIVE_FILES: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(BINARIES).map(([target, files]) => [
    target,
    [...SCRIPTS, ...files.map((file) => `onnxruntime-node/bin/napi-v6/${file}`)].map((file) => NATIVE + file),
  ]),
);

/**
 * Whether the bytes are a binary for the target, by ELF's e_machine (System V ABI), Mach-O's cputype after its 64-bit magic number, or
 * the machine in the PE header, whose offset is stored at 0x3c.
 */
export function isCode(bytes: Buffer, target: string): boolean {
  switch (target) {
    case 'linux-x64':
    case 'linux-arm64':
      return bytes.toString('latin1', 0, 4) === '\x7fELF' && bytes.readUInt16LE(18) === (target === 'linux-x64' ? 0x3e : 0xb7);
    case 'darwin-arm64':
      return bytes.readUInt32LE(0) === 0xfeedfacf && bytes.readUInt32LE(4) === 0x0100000c;
    case 'win32-x64':
    case 'win32-arm64': {
      const header = bytes.readUInt32LE(0x3c);
      const machine = bytes.readUInt16LE(header + 4);
      return bytes.toString('latin1', header, header + 2) === 'PE' && machine === (target === 'win32-x64' ? 0x8664 : 0xaa64);
    }
    default:
      return false;
  }
}
