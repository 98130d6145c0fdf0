// Writes THIRD_PARTY_NOTICES.md: the licence of every package whose code is in the bundles or beside them.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NATIVE_FOLDER, ROOT } from './lib/paths.mjs';

/** Remarks on third-party code inside a package that the package itself does not mention. */
const REMARKS = {
  'onnxruntime-node':
    'In the packages for one platform. The native binary contains ONNX Runtime and the libraries it is built with; their ' +
    'licences are listed in https://github.com/microsoft/onnxruntime/blob/main/ThirdPartyNotices.txt.',
  'onnxruntime-web':
    'The WebAssembly binary contains ONNX Runtime and the libraries it is built with; their licences are listed in ' +
    'https://github.com/microsoft/onnxruntime/blob/main/ThirdPartyNotices.txt.',
};
/** Copyright holders of the packages that ship without the text of their licence. */
const MICROSOFT = 'Microsoft Corporation';
const HOLDERS = { 'onnxruntime-web': MICROSOFT, 'onnxruntime-common': MICROSOFT, 'onnxruntime-node': MICROSOFT };

/** The packages in the bundles and the native runtime, sorted by name. Throws where dist/ has not been built. */
export function bundledPackages() {
  const list = join(ROOT, '.cache/bundled.json');
  if (!existsSync(list)) throw new Error('Build first: node esbuild.mjs writes the list of what it bundles.');
  const folders = new Set(JSON.parse(readFileSync(list, 'utf8')).map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)[0]));
  folders.add(relative(ROOT, join(NATIVE_FOLDER, 'node_modules/onnxruntime-node')));
  const packages = [...folders].map((folder) => ({ folder, ...JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) }));
  return packages.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Writes THIRD_PARTY_NOTICES.md. Throws for a package whose licence text is unknown. */
export function writeNotices() {
  const sections = bundledPackages().map(section);
  const head = `# Third-party notices

Explain Tokens contains code of the packages below, each under its own licence.
This file is written by \`scripts/notices.mjs\` from what the bundles hold.
`;
  writeFileSync(join(ROOT, 'THIRD_PARTY_NOTICES.md'), [head, ...sections].join('\n'));
}

function section(found) {
  const remark = REMARKS[found.name] ? `\n${REMARKS[found.name]}\n` : '';
  const home = found.homepage ?? (typeof found.repository === 'string' ? found.repository : found.repository?.url) ?? '';
  return `## ${found.name} ${found.version}

${[licenceName(found), home.replace(/^git\+/, '')].filter(Boolean).join(' · ')}
${remark}
\`\`\`text
${licenceText(found)}
\`\`\`
`;
}

function licenceName(found) {
  return typeof found.license === 'string' ? found.license : (found.license?.type ?? found.licenses?.map((each) => each.type).join(' or '));
}

function licenceText(found) {
  const files = readdirSync(join(ROOT, found.folder))
    .filter((name) => /^(licen[cs]e|copying|notice)/i.test(name))
    .sort();
  if (files.length > 0) return files.map((name) => readFileSync(join(ROOT, found.folder, name), 'utf8').trim()).join('\n\n');
  const holder = HOLDERS[found.name] ?? (typeof found.author === 'string' ? found.author : found.author?.name);
  if (licenceName(found) !== 'MIT' || !holder)
    throw new Error(`${found.folder} ships no licence text and none is known for it: add it to scripts/notices.mjs.`);
  return MIT.replace('HOLDER', holder);
}

const MIT = `MIT License

Copyright (c) HOLDER

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the
"Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to
the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR
ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH
THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

if (process.argv[1] === fileURLToPath(import.meta.url)) writeNotices();
