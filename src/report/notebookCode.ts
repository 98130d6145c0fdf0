import { pythonString } from '../core/pythonString.ts';
import { REPORT_FORMAT, REPORT_VERSION } from './report.ts';
import { DATA_ID, HEAD_ID } from './reportFile.ts';

/**
 * Python that reads a report's numbers into NumPy arrays, with their names and axes; nothing but NumPy is needed. `path`: the report's
 * file.
 */
export function notebookCode(path: string): string {
  return `# Numbers of a saved report of Explain Tokens, as they were kept.
import base64, gzip, json, re, struct
import numpy as np

html = open(${pythonString(path)}, encoding="utf-8").read()
element = lambda name: re.search(f'id="{name}">([^<]*)<', html).group(1)
head = json.loads(element("${HEAD_ID}"))  # text, ids, model, recipe, notes
assert (head["format"], head["version"]) == ("${REPORT_FORMAT}", ${REPORT_VERSION}), "Copy this code again for a report of another version."
packed = gzip.decompress(base64.b64decode(element("${DATA_ID}")))
size = struct.unpack("<I", packed[:4])[0]
arrays = packed[-(-(4 + size) // 8) * 8 :]
DTYPES = {"$f32": "<f4", "$f64": "<f8", "$i32": "<i4", "$u8": "u1"}

def value(tree):
    if isinstance(tree, list):
        return [value(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    for name, dtype in DTYPES.items():
        if name in tree:
            (at, count), size = tree[name], np.dtype(dtype).itemsize  # stored byte by byte: the first of all numbers, the second, ...
            planes = np.frombuffer(arrays, "u1", count * size, at).reshape(size, count)
            return np.ascontiguousarray(planes.T).view(dtype).reshape(count)
    if "$number" in tree:
        return float(tree["$number"].replace("Infinity", "inf"))
    return {key[1:] if key.startswith("$$") else key: value(field) for key, field in tree.items()}

data = value(json.loads(packed[4 : 4 + size]))
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
