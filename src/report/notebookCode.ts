import { pythonString } from '../core/pythonString.ts';
import { REPORT_FORMAT, type ReportHead } from './report.ts';
import { DATA_ID, HEAD_ID } from './reportFile.ts';

/** Reads the arrays of a report: what differs between versions of the format. `take` is `value`'s way to one of them. */
interface Reading {
  readonly imports: string;
  readonly arrays: string;
  readonly take: string;
  /** Where the tree lies in `packed`. */
  readonly tree: string;
}

const FIRST: Reading = {
  imports: 'base64, gzip, json, re, struct',
  arrays: `packed = gzip.decompress(base64.b64decode(element("${DATA_ID}")))
size = struct.unpack("<I", packed[:4])[0]
arrays = packed[-(-(4 + size) // 8) * 8 :]
DTYPES = {"$f32": "<f4", "$f64": "<f8", "$i32": "<i4", "$u8": "u1"}
`,
  take: `    for name, dtype in DTYPES.items():
        if name in tree:
            (at, count), size = tree[name], np.dtype(dtype).itemsize  # stored byte by byte: the first of all numbers, the second, ...
            planes = np.frombuffer(arrays, "u1", count * size, at).reshape(size, count)
            return np.ascontiguousarray(planes.T).view(dtype).reshape(count)
`,
  tree: 'packed[4 : 4 + size]',
};

const SECOND: Reading = {
  imports: 'gzip, json, re',
  arrays: `digits = np.zeros(128, "u2")
digits[[sign for sign in range(33, 127) if chr(sign) not in "&<\\\\"]] = np.arange(91)
signs = digits[np.frombuffer(element("${DATA_ID}").encode(), "u1")]
pairs = signs[: len(signs) // 2 * 2].reshape(-1, 2)
bits = [pairs[:, :1] * 91 + pairs[:, 1:] >> np.arange(12, -1, -1, "u2") & 1]  # two signs are 13 bits, one left over 6
bits += [signs[2 * len(pairs) :] >> np.arange(5, -1, -1, "u2") & 1] if len(signs) % 2 else []
packed = gzip.decompress(np.packbits(np.concatenate([part.ravel() for part in bits]).astype("u1")).tobytes())
size, *counts = np.frombuffer(packed, "<u4", 5).tolist()
arrays, at = {}, 20 + size
for (name, dtype), count in zip({"$f32": "<f4", "$f64": "<f8", "$i32": "<i4", "$u8": "u1"}.items(), counts):
    each = np.dtype(dtype).itemsize  # of all arrays of a dtype the first bytes of all numbers, then the second, ...
    planes = np.frombuffer(packed, "u1", count * each, at).reshape(each, count)
    arrays[name], at = np.ascontiguousarray(planes.T).view(dtype).ravel(), at + count * each
`,
  take: `    for name in arrays:
        if name in tree:
            start, count = tree[name]
            return arrays[name][start : start + count].copy()
`,
  tree: 'packed[20 : 20 + size]',
};

/**
 * Python that reads a report's numbers into NumPy arrays, with their names and axes; nothing but NumPy is needed. `path`: the report's
 * file; `version`: of its format.
 */
export function notebookCode(path: string, version: ReportHead['version']): string {
  const { imports, arrays, take, tree } = version === 1 ? FIRST : SECOND;
  return `# Numbers of a saved report of Explain Tokens, as they were kept.
import ${imports}
import numpy as np

html = open(${pythonString(path)}, encoding="utf-8").read()
element = lambda name: re.search(f'id="{name}">([^<]*)<', html).group(1)
head = json.loads(element("${HEAD_ID}"))  # text, ids, model, recipe, notes
assert (head["format"], head["version"]) == ("${REPORT_FORMAT}", ${version}), "Copy this code again for a report of another version."
${arrays}
def value(tree):
    if isinstance(tree, list):
        return [value(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
${take}    if "$number" in tree:
        return float(tree["$number"].replace("Infinity", "inf"))
    return {key[1:] if key.startswith("$$") else key: value(field) for key, field in tree.items()}

data = value(json.loads(${tree}))
T = len(head["ids"])
# [T]: natural log of each token's probability, its rank (0: not predicted), bits of entropy; [T, K]: the likeliest tokens after each.
explanation = data["shown"]["explanation"]
logprob, rank, entropy = (explanation[name] for name in ("logprob", "rank", "entropy"))
top_ids, top_probs = (explanation[name].reshape(T, -1) for name in ("topIds", "topProbs"))

def answers(name):
    """What was kept of a question: its arguments and its answer, for each time that it was asked."""
    return [(one["query"]["args"], one["result"]) for one in data["answers"] if one["query"]["name"] == name and "result" in one]

# (layer, head): attention after softmax [T, T], rows are queries, columns are keys.
attention = {(at["layer"], at["head"]): found["weights"].reshape(T, T) for at, found in answers("attention")}
print(head["model"]["name"], T, "tokens;", sorted({one["query"]["name"] for one in data["answers"]}))
`;
}
