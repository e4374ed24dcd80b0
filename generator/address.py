"""The repository's address. Cargo.toml has it, and every link to the repository follows from there."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[1]
ADDRESS = re.search(r'^repository = "(https://[^"]+)"$', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.M).group(1)
RUNBOOKS = ADDRESS + "/blob/main/docs/runbooks"

# The generated line whose address is that of the last run.
LAST = ("mixin/mixin.libsonnet", re.compile(r"runbookUrl: '(https://.+)/blob/main/docs/runbooks'"))
# Files with links that are written by hand.
LINKED = ("*.md", "action.yml", "docs/**/*.md", "helm/**/*.md", "helm/**/*.gotmpl", "helm/**/*.yaml", "mixin/*.md",
          "mixin/*.libsonnet", "packaging/*", "templates/*.yml", "tests/bundle/alerts/*.yml")


def relinked(generated):
    """The generated files, and the linked ones, with the address of the last run replaced by that in Cargo.toml."""
    path, line = LAST
    last = line.search((ROOT / path).read_text(encoding="utf-8")).group(1)
    files = dict(generated)
    for path in sorted(path for pattern in LINKED for path in ROOT.glob(pattern) if path.is_file()):
        name = path.relative_to(ROOT).as_posix()
        text = files.get(name) or path.read_text(encoding="utf-8")
        if without_scheme(last) in text:
            files[name] = text.replace(without_scheme(last), without_scheme(ADDRESS))
    return files


def without_scheme(address):
    return address.split("://", 1)[1]
