"""Makes messages with hints, follows the hints, and reads all hints in the sources for fragments.

Usage: check_hints.py --tools DIR
Needs Python's standard library alone.
"""

import argparse
import json
import pathlib
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile

from report import TIME_LIMIT, Report

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"


def safetensors(folder, name, tensors, dtype="F32", metadata=None):
    """A file with tensors of ones: names and shapes."""
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    width = {"F32": 4, "F16": 2, "BF16": 2, "I64": 8}[dtype]
    for tensor, shape in tensors.items():
        count = 1
        for extent in shape:
            count *= extent
        values = struct.pack(f"<{count}f", *[1.0] * count) if dtype == "F32" else bytes(count * width)
        header[tensor] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


TWO = {"a.weight": [2, 2], "a.bias": [2], "b.weight": [2, 2]}
"""A model."""


def make_inputs(folder):
    """What the commands below are given."""
    safetensors(folder, "a.safetensors", TWO)
    safetensors(folder, "b.safetensors", TWO)
    safetensors(folder, "less.safetensors", {name: shape for name, shape in TWO.items() if name != "a.bias"})
    safetensors(folder, "other.safetensors", {"x": [2], "y": [2], "z": [2]})
    safetensors(folder, "wrapped.safetensors", {f"net.{name}": shape for name, shape in TWO.items()})
    safetensors(folder, "compiled.safetensors", {name.replace(".", "._orig_mod.", 1): shape for name, shape in TWO.items()})
    safetensors(folder, "half.safetensors", TWO, dtype="F16")
    safetensors(folder, "nothing.safetensors", {"w": [0]})
    safetensors(folder, "slash.safetensors", {"x": [2], "x/y": [2]})
    for model in ("m", "n"):
        safetensors(folder, f"{model}/model.safetensors", TWO)
        (folder / model / "config.json").write_text(json.dumps({"hidden_act": "gelu" if model == "m" else "relu"}))
    for shard in ("model-00001-of-00002", "model-00002-of-00002"):
        safetensors(folder, f"shards/{shard}.safetensors", {shard: [2]})
    safetensors(folder, "lacks/model-00001-of-00002.safetensors", TWO)
    for step in (1, 2):
        safetensors(folder, f"run/step-{step}.safetensors", TWO)
    safetensors(folder, "mixed/step.safetensors", TWO)
    safetensors(folder, "mixed/checkpoint-1/model.safetensors", TWO)
    for name in ("rank0.safetensors", "rank1.safetensors"):
        safetensors(folder, f"ranks/{name}", TWO)
    (folder / "data").mkdir()
    (folder / "data/notes.txt").write_text("mine")
    (folder / "empty").mkdir()
    (folder / "pointer.safetensors").write_text("version https://git-lfs.github.com/spec/v1\nsize 5\n")
    (folder / "page.safetensors").write_text("<!doctype html><html></html>")
    (folder / "void.safetensors").write_bytes(b"")
    shutil.copy(FIXTURES / "torch/fullckpt_s1.pt", folder / "full.pt")
    shutil.copy(FIXTURES / "torch/tied_s1.pt", folder / "tied.pt")
    shutil.copytree(FIXTURES / "folders/zero_a", folder / "zero")
    shutil.copytree(FIXTURES / "folders/dcp", folder / "dcp")
    shutil.copytree(FIXTURES / "folders/sentences_a", folder / "sentences")
    shutil.copy(FIXTURES / "keras/cnn_bn_s1.keras", folder / "model.keras")


CASES = [
    # What is typed; what the hint must say; what is typed then, which must work. None: the hint names a thing to do elsewhere.
    ("{merge} a.safetensors less.safetensors -o o.safetensors", "--missing intersect",
     "{merge} a.safetensors less.safetensors -o o.safetensors --missing intersect"),
    ("{merge} a.safetensors less.safetensors -o o.safetensors", "--missing union",
     "{merge} a.safetensors less.safetensors -o o.safetensors --missing union"),
    ("{merge} a.safetensors half.safetensors -o o.safetensors", "--out-dtype F32",
     "{merge} a.safetensors half.safetensors -o o.safetensors --out-dtype F32"),
    ("{merge} a.safetensors wrapped.safetensors -o o.safetensors", "HINT", "HINT"),
    ("{merge} a.safetensors compiled.safetensors -o o.safetensors", "HINT", "HINT"),
    ("{merge} wrapped.safetensors a.safetensors -o o.safetensors", "HINT", "HINT"),
    ("{merge} a.safetensors other.safetensors -o o.safetensors", "imwa-ckpt show", "imwa-ckpt show other.safetensors"),
    ("{merge} a.safetensors b.safetensors -o a.safetensors", "--force", "{merge} a.safetensors b.safetensors -o a.safetensors --force"),
    ("{merge} a.safetensors b.safetensors -o new/o.safetensors", "mkdir -p", "HINT"),
    ("{merge} a.safetensors a.safetensors -o o.safetensors", "--weights",
     "{merge} a.safetensors a.safetensors -o o.safetensors --weights 1,2"),
    ("{merge} a.safetensors b.safetensors -o o.gguf", ".safetensors", "{merge} a.safetensors b.safetensors -o o.safetensors"),
    ("{merge} a.safetensors b.safetensors -o o.safetensors --weights 1", "one weight for each",
     "{merge} a.safetensors b.safetensors -o o.safetensors --weights 1,2"),
    ("{merge} a.safetensors b.safetensors -o o.safetensors --weights 1,-1", "sum",
     "{merge} a.safetensors b.safetensors -o o.safetensors --weights 2,-1"),
    ("{merge} a.safetensors b.safetensors -o o.safetensors --max-shard-size 1MB", "-o o/",
     "{merge} a.safetensors b.safetensors -o o/ --max-shard-size 1MB"),
    ("{merge} a.safetensors b.safetensors -o o.safetensors --compress 4", "--compress", "{merge} a.safetensors b.safetensors -o o.h5 --compress 4"),
    ("{merge} m n -o o", "--allow-config-differences", "{merge} m n -o o --allow-config-differences"),
    ("{merge} m m/model.safetensors -o data --force --weights 1,1", "name a new folder",
     "{merge} m m/model.safetensors -o new-folder --weights 1,1"),
    ("{merge} shards/model-00001-of-00002.safetensors shards/model-00002-of-00002.safetensors -o o.safetensors", "name the folder",
     "{merge} shards -o o.safetensors"),
    ("{merge} lacks -o o.safetensors", "get the missing shard", None),
    ("{merge} ranks -o o.safetensors", "'ranks/rank0.safetensors' 'ranks/rank1.safetensors'",
     "{merge} ranks/rank0.safetensors ranks/rank1.safetensors -o o.safetensors"),
    ("{merge} mixed -o o.safetensors", "'mixed/checkpoint-1'", "{merge} mixed/checkpoint-1 -o o.safetensors"),
    ("{merge} zero -o o.pt", "zero_to_fp32", None),
    ("{merge} dcp -o o.pt", "dcp_to_torch", None),
    ("{merge} empty -o o.pt", "looked for", None),
    ("{merge} nothing.safetensors -o o.safetensors", "in other files", None),
    ("{merge} sentences -o o.safetensors", "-o o/", "{merge} sentences -o o/"),
    ("{merge} a.safetensors b.safetensors -o m/model.weights.json", ".weights.h5", "{merge} a.safetensors b.safetensors -o m/model.weights.h5"),
    ("{merge} a.safetensors b.safetensors -o o.keras", "write .weights.h5", "{merge} a.safetensors b.safetensors -o o.weights.h5"),
    ("{merge} pointer.safetensors -o o.safetensors", "git lfs pull", None),
    ("{merge} page.safetensors -o o.safetensors", "download the file itself", None),
    ("{merge} void.safetensors -o o.safetensors", "get the file again", None),
    ("{merge} run/step-1.safetensors -o o.safetensors --include nothing", "any text",
     "{merge} run/step-1.safetensors -o o.safetensors --include *weight"),
    ("{ema} a.safetensors -o o.safetensors --decay 0.9", "name the checkpoints", "{ema} a.safetensors b.safetensors -o o.safetensors --decay 0.9"),
    ("{ema} a.safetensors b.safetensors -o o.safetensors --decay 2", "between 0.9", "{ema} a.safetensors b.safetensors -o o.safetensors --decay 0.9"),
    ("{convert} run -o o.pt", "run/step-1.safetensors", "{convert} run/step-1.safetensors -o o.pt"),
    ("{convert} tied.pt -o o.safetensors", "--untie", "{convert} tied.pt -o o.safetensors --untie"),
    ("{convert} tied.pt -o o.safetensors", "--skip-unsupported", "{convert} tied.pt -o o.safetensors --skip-unsupported"),
    ("{convert} full.pt -o o.safetensors", "--skip-unsupported", "{convert} full.pt -o o.safetensors --skip-unsupported"),
    ("{convert} slash.safetensors -o o.h5", "--skip-unsupported", "{convert} slash.safetensors -o o.h5 --skip-unsupported"),
    ("{convert} a.safetensors -o o.safetensors --rename s/a", "write 's/", "{convert} a.safetensors -o o.safetensors --rename s/a/c/"),
    ("imwa-ckpt show a.safetensors --values nothing", "--flat", "imwa-ckpt show a.safetensors --flat"),
    ("imwa-ckpt show a.safetensors --values a.bias[x]", "3, -1, 2:5", "imwa-ckpt show a.safetensors --values a.bias[-1]"),
    ("imwa-dist a.safetensors", "name two models", "imwa-dist a.safetensors b.safetensors"),
]

VERBS = set(
    "add adds allow allows are average averages be can change changes check choose chooses chosen compare compresses correct do does download end ends "
    "exist fetch fits free get give gives goes has have help helps hold holds includes is keep keeps known lack leave leaves let lets lie lists load "
    "looked make makes matches mean means move moved name names needed needs pack put quote read rebuild record remove removed run save say says "
    "shows spread start starts stand stands take takes tell tells treats try unpack update use wait was write writes wrote".split())


def main():
    """Runs all checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", required=True)
    tools = pathlib.Path(parser.parse_args().tools).resolve()
    report = Report()
    for command, expected, then in CASES:
        with tempfile.TemporaryDirectory() as name:
            make_inputs(pathlib.Path(name))
            report.check(command, problem_of(tools, pathlib.Path(name), command, expected, then))
    for path, text in hints_in_sources():
        words = set(re.findall(r"[a-z]+", text.lower()))
        report.check(f"{path}: {text[:60]}", None if words & VERBS else "a hint without a verb")
    return report.finish()


def run(tools, folder, command):
    """Runs a command line, tool or not."""
    names = {"merge": "imwa-avg merge", "ema": "imwa-avg ema", "convert": "imwa-ckpt convert"}
    for name, text in names.items():
        command = command.replace("{" + name + "}", text)
    words = shlex.split(command)
    # Where a shell would, the tool expands patterns itself.
    if words[0].startswith("imwa-"):
        words[0] = str(tools / words[0])
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=TIME_LIMIT, check=False)


def problem_of(tools, folder, command, expected, then):
    """What is wrong with the hint of a command, and with what it says to type."""
    failed = run(tools, folder, command)
    hints = re.findall(r"^  hint: (.*)$", failed.stderr, re.MULTILINE)
    if failed.returncode == 0 or len(hints) != 1:
        return f"exit code {failed.returncode}, {len(hints)} hints: {failed.stderr}"
    if expected != "HINT" and expected not in hints[0]:
        return f"expected '{expected}' in the hint '{hints[0]}'"
    if then is None:
        return None
    if then == "HINT":
        found = re.search(r"((?:imwa-ckpt|imwa-avg|mkdir) .*?)(?: gives it .*)?$", hints[0])
        if not found:
            return f"no command in the hint '{hints[0]}'"
        then = found[1]
    followed = run(tools, folder, then)
    return None if followed.returncode == 0 else f"the hint '{hints[0]}' leads to exit code {followed.returncode}: {followed.stderr}"


def hints_in_sources():
    """The texts behind `hint:` in the sources, without what is computed."""
    for path in sorted((ROOT / "Sources").rglob("*.swift")):
        text = path.read_text()
        for found in re.finditer(r'(?m)(?:^\s*|[(,]\s*)hint:\s*"((?:[^"\\]|\\.)*)"((?:\s*\+\s*"(?:[^"\\]|\\.)*")*)', text):
            rest = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', found[2]))
            yield path.relative_to(ROOT / "Sources"), re.sub(r"\\\((?:[^()]|\([^()]*\))*\)", "…", found[1] + rest)


if __name__ == "__main__":
    sys.exit(main())
