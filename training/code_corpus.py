"""Code for the corpus: the sources of the packages that this project and its training environment install.

TypeScript, declarations and JavaScript come from `node_modules`, Python from the standard library and `site-packages`.
Only permissive licences; no minified, generated, bundled or vendored files; licence headers removed; duplicates dropped.
"""

import hashlib
import json
import re
import sysconfig
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

PERMISSIVE = re.compile(r"\b(MIT|ISC|0?BSD|Apache|Unlicense|CC0|Python-2\.0|PSF|Zlib|BlueOak)", re.IGNORECASE)
FORBIDDEN = re.compile(r"\b(A?L?GPL|MPL|EPL|SSPL|CC-BY-NC|proprietary|SEE LICEN[CS]E)", re.IGNORECASE)
VENDORED = {"node_modules", "vendor", "_vendor", "vendored", "third_party", "extern", "externals", "__pycache__", "site-packages",
            "dist", "build", "bundled", "umd", "min", "lib2to3", "idlelib", "pydoc_data", "ensurepip",
            "test", "tests", "__tests__", "benchmarks"}
GENERATED = re.compile(r"@generated|auto-?generated|automatically generated|generated (by|from)|do not (edit|modify)|mappingURL=data:", re.IGNORECASE)
REGIONS = re.compile(r"^\s*//#(end)?region .*\n|^//# sourceMappingURL=.*\n?", re.MULTILINE)
PACKAGE_LIMIT = {"code_ts": 5_000_000, "code_js": 1_000_000, "code_py": 9_000_000}   # bytes: no package may dominate its language
FILE_LIMIT = 400_000                                                                    # bytes: larger files are tables or bundles,
DECLARATION_LIMIT = 2_000_000                                                           # but not larger declarations
HELD_OUT_SHARE = 0.01
HELD_OUT_BYTES = (10_000, 120_000)                                                      # a held-out package is neither tiny nor a main source


@dataclass(frozen=True)
class Package:
    """An installed package: where its files are and under which licence they may be used."""

    name: str
    version: str
    licence: str
    language: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Document:
    """One cleaned source file."""

    source: str
    path: str
    text: str


def read_code(node_modules: Path) -> tuple[dict[str, dict[str, list[Document]]], list[dict[str, object]]]:
    """All code as `{subset: {"train": [...], "heldout": [...]}}`, and a list of the packages used.

    1 % of each language's bytes is held out by whole packages, chosen by the hash of their names.
    """
    seen: set[bytes] = set()
    subsets: dict[str, dict[str, list[Document]]] = {}
    packages: list[tuple[Package, str, list[Document]]] = []
    for package in [*npm_packages(node_modules), *python_packages()]:
        budgets = dict(PACKAGE_LIMIT)
        by_subset: dict[str, list[Document]] = {}
        for subset, document in documents(package, seen):
            budgets[subset] -= len(document.text.encode())
            if budgets[subset] > 0:
                by_subset.setdefault(subset, []).append(document)
        packages += [(package, subset, found) for subset, found in by_subset.items()]

    rows = []
    for subset in PACKAGE_LIMIT:
        mine = sorted(((p, docs) for p, s, docs in packages if s == subset), key=lambda item: hashlib.sha1(item[0].name.encode()).digest())
        total = sum(size(docs) for _, docs in mine)
        held_out = 0
        split: dict[str, list[Document]] = {"train": [], "heldout": []}
        for package, docs in mine:
            low, high = HELD_OUT_BYTES
            hold = subset != "code_js" and held_out < HELD_OUT_SHARE * total and low <= size(docs) <= high
            held_out += size(docs) if hold else 0
            split["heldout" if hold else "train"] += docs
            rows.append({"name": package.name, "version": package.version, "licence": package.licence, "subset": subset,
                         "files": len(docs), "bytes": size(docs), "heldout": hold})
        subsets[subset] = split
    return subsets, sorted(rows, key=lambda row: (row["subset"], -row["bytes"]))


def size(docs: list[Document]) -> int:
    return sum(len(document.text.encode()) for document in docs)


def npm_packages(node_modules: Path) -> Iterator[Package]:
    """Permissively licensed packages under `node_modules`, by name."""
    for manifest in sorted([*node_modules.glob("[!@.]*/package.json"), *node_modules.glob("@*/*/package.json")]):
        about = json.loads(manifest.read_text("utf8"))
        licence = about.get("license")
        if not isinstance(licence, str) or FORBIDDEN.search(licence) or not PERMISSIVE.search(licence):
            continue
        files = tuple(sorted(p for p in manifest.parent.rglob("*") if p.suffix in {".ts", ".tsx", ".mts", ".cts", ".js", ".mjs"} and p.is_file()))
        yield Package(about["name"], about.get("version", ""), licence, "javascript", files)


def python_packages() -> Iterator[Package]:
    """The standard library and the permissively licensed packages beside it, by name."""
    standard = Path(sysconfig.get_paths()["stdlib"])
    own = (path for path in standard.rglob("*.py") if not {"site-packages", "dist-packages"}.intersection(path.parts))
    yield Package("python", sysconfig.get_python_version(), "PSF-2.0", "python", tuple(sorted(own)))
    for distribution in sorted(metadata.distributions(), key=lambda d: d.metadata["Name"].lower()):
        about = distribution.metadata
        classifiers = [c.split("::")[-1].strip() for c in about.get_all("Classifier") or [] if c.startswith("License ::")]
        licence = about.get("License-Expression") or ", ".join(classifiers) or (about.get("License") or "").split("\n")[0]
        if FORBIDDEN.search(licence) or not PERMISSIVE.search(licence):
            continue
        files = tuple(sorted(Path(distribution.locate_file(f)) for f in distribution.files or [] if f.suffix == ".py"))
        yield Package(about["Name"], distribution.version, licence, "python", files)


def documents(package: Package, seen: set[bytes]) -> Iterator[tuple[str, Document]]:
    """The usable files of a package with the subset each belongs to; `seen` holds the hashes of earlier texts."""
    typed_stems = {p.name.split(".")[0] for p in package.files if p.suffix in {".ts", ".tsx", ".mts"} and not p.name.endswith((".d.ts", ".d.mts"))}
    for path in package.files:
        vendored = VENDORED.intersection(part.lower() for part in path.parts[path.parts.index("node_modules") + 1:] if "node_modules" in path.parts) \
            if package.language == "javascript" else VENDORED.intersection(path.parts[_root_depth(path):])
        declaration = path.name.endswith((".d.ts", ".d.mts", ".d.cts"))
        if vendored - ({"dist", "build"} if declaration else set()) or ".min." in path.name:
            continue
        subset = "code_py" if path.suffix == ".py" else "code_js" if path.suffix in {".js", ".mjs"} else "code_ts"
        if subset == "code_js" and path.name.split(".")[0] in typed_stems:
            continue                                            # compiled from a TypeScript file that is read itself
        text = clean(path)
        digest = hashlib.sha1(re.sub(r"\s+", "", text).encode()).digest()
        if text and digest not in seen:
            seen.add(digest)
            yield subset, Document(package.name, path.name, text)


def _root_depth(path: Path) -> int:
    """Index of the first part of `path` below the folder that holds Python packages."""
    for marker in ("site-packages", "lib"):
        if marker in path.parts:
            return len(path.parts) - path.parts[::-1].index(marker) + (marker == "lib")
    return 0


def clean(path: Path) -> str:
    """The text of a source file without licence header, or '' where it looks minified, generated or empty."""
    limit = DECLARATION_LIMIT if path.name.endswith(".d.ts") else FILE_LIMIT
    if not path.is_file() or not 200 <= path.stat().st_size <= limit:
        return ""
    try:
        text = path.read_text("utf8")
    except UnicodeDecodeError:
        return ""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").removeprefix("\ufeff"))
    if GENERATED.search(text[:2000]):
        return ""
    text = re.sub(r"\A(#![^\n]*\n)?(#[^\n]*coding[:=][^\n]*\n)?", "", text)
    header = re.match(r"\s*(/\*.*?\*/|(?:\s*//[^\n]*\n)+|(?:\s*#[^\n]*\n)+)", text, re.DOTALL)
    if header and re.search(r"licen[cs]e|copyright|\(c\)|SPDX", header[0], re.IGNORECASE):
        text = text[header.end():]
    text = REGIONS.sub("", text).strip() + "\n"
    lines = text.split("\n")
    digits = sum(character.isdigit() for character in text) / len(text)
    escapes = text.count("\\u") + text.count("\\x")
    if len(text) < 200 or max(map(len, lines)) > 1000 or len(text) / len(lines) > 100 or digits > 0.15 or escapes > 0.005 * len(text):
        return ""
    return text
