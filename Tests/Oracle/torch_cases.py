"""Checkpoints as programs save them, unusual ones, and malicious ones, for check_torch.py."""

import argparse
import collections
import io
import os
import pathlib
import pickle
import struct
import tarfile
import tempfile
import zipfile

import numpy as np
import torch

MARKER = pathlib.Path(tempfile.gettempdir()) / "imwa-torch-check-marker"


def numbers(seed, *shape, dtype=torch.float32):
    """Random numbers."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


# Values


def plain(seed):
    """A few tensors that every format can hold."""
    return {
        "layer.weight": numbers(seed, 5, 7), "layer.bias": numbers(seed + 10, 7).half(),
        "wide": numbers(seed + 20, 3).double(), "steps": torch.tensor(3 + seed), "mask": torch.tensor([True, False]),
    }


def dtypes(seed):
    """A tensor of each dtype."""
    state = collections.OrderedDict()
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2):
        state[str(dtype)] = numbers(seed, 3, 5).to(dtype)
    for dtype in (torch.complex64, torch.complex128):
        state[str(dtype)] = torch.complex(numbers(seed, 4).double(), numbers(seed + 5, 4).double()).to(dtype)
    for dtype in (torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.uint16, torch.uint32, torch.uint64):
        state[str(dtype)] = torch.tensor([1, 2, 100 + seed]).to(dtype)
    state["bool"] = torch.tensor([True, False, True])
    for dtype in (torch.float8_e4m3fnuz, torch.float8_e5m2fnuz, torch.float8_e8m0fnu, torch.float4_e2m1fn_x2):
        state[str(dtype)] = torch.tensor([[1, 2, 3, 4]], dtype=torch.uint8).view(dtype)
    state["scalar"] = torch.tensor(1.5 + seed)
    state["empty"] = torch.zeros(0, 4)
    state["no elements"] = torch.zeros(3, 0, dtype=torch.float8_e4m3fn)
    return state


def views(seed):
    """Tensors that look at storages in all ways."""
    base = numbers(seed, 24)
    large = numbers(seed + 1, 70, 90)
    image = numbers(seed + 2, 4, 3, 5, 6)
    numbers_complex = torch.complex(numbers(seed + 3, 6), numbers(seed + 4, 6))
    return {
        "first": base[:10], "second": base[10:24].reshape(2, 7), "transposed": large.t(),
        "columns": large[:, 10:20], "every third": large[::3, ::2], "one column": large[:, 5],
        "channels last": image.contiguous(memory_format=torch.channels_last), "permuted": image.permute(3, 1, 0, 2),
        "expanded": numbers(seed + 5, 3, 1).expand(3, 1000), "all one": torch.tensor(2.0 + seed).expand(4, 5),
        "conjugate": numbers_complex.conj(), "negative": torch.complex(numbers(seed + 8, 6), numbers(seed + 9, 6)).conj().imag, "conjugated columns": numbers_complex.reshape(2, 3).t().conj(),
        "diagonal": large.diagonal(), "blocks": large.unfold(0, 10, 20), "doubles": numbers(seed + 6, 8, 9).double().t(),
        "bytes": torch.arange(12, dtype=torch.uint8).reshape(3, 4).t(), "complex columns": torch.complex(large, large)[:, 3:5],
    }


def large_views(seed):
    """Arrays of more than a block that are not in C order."""
    return {"transposed": numbers(seed, 700, 900).t(), "half": numbers(seed, 600, 700)[:, ::2], "expanded": numbers(seed, 1, 900).expand(600, 900)}


def overlapping(seed):
    """A whole, and parts of it."""
    base = numbers(seed, 6, 4)
    return {"all": base, "part": base[2:4], "other": base[3:5, :2]}


def parameters(seed):
    """Parameters, with and without a gradient, in a list."""
    return [torch.nn.Parameter(numbers(seed, 3)), torch.nn.Parameter(numbers(seed + 1, 2, 2), requires_grad=False), numbers(seed + 2, 4).t()]


def view_of_large(seed):
    """A part of a storage that nothing else looks at."""
    return {"a": numbers(seed, 100)[10:30]}


def subclassed(seed):
    """A parameter with an attribute, which PyTorch saves in another way."""
    value = torch.nn.Parameter(numbers(seed, 3))
    value.note = "x"
    return {"a": value}


def nested(seed):
    """Collections in each other, and keys that are numbers."""
    return {"generator": {"w": numbers(seed, 2), 3: [numbers(seed, 1), {"x": numbers(seed, 4)}]}, "discriminator": (numbers(seed, 2), None), "unicode é": numbers(seed, 1)}


VALUES = {
    "plain": plain, "dtypes": dtypes, "views": views, "large views": large_views, "overlapping views": overlapping,
    "parameters": parameters, "nested": nested,
}


def tied_by_storage(seed):
    """Two tensors with one storage."""
    value = numbers(seed, 4, 3)
    return {"a": value, "b": value.view(4, 3), "c": numbers(seed, 2)}


def tied_by_object(seed):
    """One tensor under two names."""
    value = torch.nn.Parameter(numbers(seed, 4, 3))
    return {"a": value, "b": value}


def tied_transposed(seed):
    """Two tensors that are not in C order and share their storage."""
    value = numbers(seed, 4, 3)
    return {"a": value.t(), "b": value.t()}


TIES = {"tied by storage": tied_by_storage, "tied by object": tied_by_object, "tied and transposed": tied_transposed}


# Wrappers


def model(seed):
    """The weights of a model."""
    return collections.OrderedDict([("layer.weight", numbers(seed, 4, 3)), ("layer.bias", numbers(seed + 1, 4)), ("steps", torch.tensor(seed))])


def training(seed):
    """What a training program saves."""
    return {
        "epoch": seed, "model": model(seed), "scheduler": {"last_epoch": 3, "_last_lr": [0.1], "big": 1 << 70},
        "optimizer": {"state": {0: {"step": torch.tensor(3.0), "exp_avg": numbers(seed + 7, 4, 3)}}, "param_groups": [{"lr": 0.1, "betas": (0.9, 0.95), "params": [0]}]},
        "rng": torch.arange(16, dtype=torch.uint8), "notes": ["a", b"bytes\xff", None, True, 1.5, {"x"}], "best": -1, "size": torch.Size([2, 3]), "device": torch.device("cpu"),
        "history": collections.Counter("aab"),
    }


def prefixed(prefix, seed):
    """The weights with a prefix before all names."""
    return collections.OrderedDict((prefix + name, value) for name, value in model(seed).items())


def lightning(seed):
    """A checkpoint of Lightning with averaged weights."""
    return {
        "epoch": 1, "pytorch-lightning_version": "2.5", "state_dict": prefixed("model.", seed), "callbacks": {"x": {"best": numbers(3, 1)}},
        "optimizer_states": [{"state": {0: {"exp_avg": numbers(seed, 3)}}, "param_groups": []}], "current_model_state": prefixed("model.", 50),
        "averaging_state": {"n_averaged": torch.tensor(4)},
    }


def averaged_model(seed):
    """What torch.optim.swa_utils saves."""
    network = torch.nn.Linear(3, 2)
    averaged = torch.optim.swa_utils.AveragedModel(network)
    state = averaged.state_dict()
    for name, value in state.items():
        if value.is_floating_point():
            state[name] = numbers(seed, *value.shape)
    return state


WRAPPERS = {
    "model": (training, "model.", ()),
    "state_dict": (lambda seed: {"state_dict": model(seed), "epoch": 3}, "state_dict.", ()),
    "model_state_dict": (lambda seed: {"model_state_dict": model(seed), "loss": numbers(1, 1)}, "model_state_dict.", ()),
    "net": (lambda seed: {"net": model(seed), "acc": 3.0}, "net.", ()),
    "module. of DDP": (lambda seed: prefixed("module.", seed), "", ()),
    "module._orig_mod.": (lambda seed: {"state_dict": prefixed("module._orig_mod.", seed)}, "", ()),
    "Lightning": (lightning, "state_dict.", ()),
    "AveragedModel": (averaged_model, "module.", ()),
    "params_ema alone": (lambda seed: {"params_ema": model(seed)}, "", ()),
    "--use-ema of timm": (lambda seed: {"state_dict": model(9), "state_dict_ema": model(seed)}, "state_dict_ema.", ("--use-ema",)),
    "--use-ema of AveragedModel": (lambda seed: {"model": model(9), "ema": averaged_model(seed)}, "ema.module.", ("--use-ema",)),
    "--key": (lambda seed: {"a": {"b.c": model(seed)}, "model": model(9)}, "a.b.c.", ("--key", "a.b.c")),
    "--key .": (lambda seed: {"a": {"b": model(seed)}, "model": model(seed)}, "", ("--key", ".")),
    "two names of one dictionary": (lambda seed: (lambda state: {"state_dict": state, "model": state})(model(seed)), "", ()),
    "two networks": (lambda seed: {"generator": model(seed), "critic": model(seed + 3)}, "", ()),
}


def with_namespace(seed):
    """Options as argparse makes them, beside the weights."""
    return {"args": argparse.Namespace(lr=0.1), "model": model(seed), "epoch": 1, "more": [argparse.Namespace(), 3]}


# Containers


def repack(path, compression, change=lambda name, data: data, order=lambda names: names):
    """Writes all members of an archive again."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name in order(list(members)):
            archive.writestr(name, change(name, members[name]))


def big_endian(path):
    """Swaps the bytes of all numbers, as a big-endian machine would have written them."""
    state = torch.load(path, weights_only=False)
    widths = {}
    stack = [state]
    while stack:
        value = stack.pop()
        if isinstance(value, torch.Tensor):
            widths.setdefault(bytes(value.untyped_storage()), value.element_size())
        elif isinstance(value, dict):
            stack.extend(value.values())
        elif isinstance(value, (list, tuple)):
            stack.extend(value)

    def change(name, data):
        if name.endswith("/byteorder"):
            return b"big"
        width = widths.get(data, 1) if "/data/" in name else 1
        return np.frombuffer(data, f"V{width}").view(np.uint8).reshape(-1, width)[:, ::-1].tobytes() if width > 1 else data

    repack(path, zipfile.ZIP_STORED, change)


REPACKINGS = {
    "deflated members": lambda path: repack(path, zipfile.ZIP_DEFLATED),
    "packed by another tool": lambda path: repack(path, zipfile.ZIP_STORED),
    "members in another order": lambda path: repack(path, zipfile.ZIP_STORED, order=sorted),
    "big-endian numbers": big_endian,
}


# What is refused


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments):
        """Takes what is to be called."""
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        """What the pickle says."""
        return self.function, self.arguments


def by_hand(*instructions):
    """A checkpoint whose pickle is given."""
    def make(path):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x/data.pkl", b"".join(instructions))
            archive.writestr("x/version", "3\n")
    return make


def calling(function, *arguments, where="args", protocol=2, modern=True):
    """A checkpoint that calls a function when it is loaded."""
    def make(path):
        state = {"model": model(1), where: Call(function, *arguments)}
        torch.save(state, path, pickle_protocol=protocol, _use_new_zipfile_serialization=modern)
    return make


def whole_module(path):
    """A model saved with its code."""
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 2)), path)


def script(path):
    """A TorchScript program."""
    torch.jit.script(torch.nn.Linear(2, 2)).save(path)


def tar(path):
    """A file of PyTorch 0.1."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name in ("sys_info", "pickle", "tensors", "storages"):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())


def flipped(path):
    """One bit of a tensor is another one."""
    torch.save(model(1), path)
    data = bytearray(path.read_bytes())
    place = data.find(bytes(model(1)["layer.weight"].untyped_storage()))
    data[place + 5] ^= 4
    path.write_bytes(data)


def without(member):
    """A file without one of its members."""
    def make(path):
        torch.save(model(1), path)
        repack(path, zipfile.ZIP_STORED, order=lambda names: [name for name in names if not name.endswith(member)])
    return make


def cut(path):
    """The first half of a file."""
    torch.save(model(1), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


COMMAND = f"touch {MARKER}"
REFUSED = {
    "os.system": (calling(os.system, COMMAND), ["posix.system"]),
    "os.system, protocol 4": (calling(os.system, COMMAND, protocol=4), ["posix.system"]),
    "os.system, pickles": (calling(os.system, COMMAND, modern=False), ["posix.system"]),
    "eval": (calling(eval, "1"), ["builtins.eval"]),
    "exec": (calling(exec, "pass"), ["builtins.exec"]),
    "getattr": (calling(getattr, 1, "real"), ["builtins.getattr"]),
    "import": (calling(__import__, "os"), ["builtins.__import__"]),
    "runpy": (by_hand(b"\x80\x02crunpy\nrun_path\nX\x01\x00\x00\x00x\x85R."), ["runpy.run_path"]),
    "subprocess, never called": (by_hand(b"\x80\x02csubprocess\nPopen\n0}."), ["subprocess.Popen"]),
    "a path through attributes": (by_hand(b"\x80\x04\x8c\x06codecs\x8c\x09os.system\x93\x8c\x01x\x85R."), ["codecs.os.system"]),
    "an old class": (by_hand(b"\x80\x02(X\x01\x00\x00\x00xios\nsystem\n."), ["os.system"]),
    "protocol 0": (by_hand(b"cos\nsystem\n(S'x'\ntR."), ["os.system"]),
    "a raw pickle": (lambda path: path.write_bytes(pickle.dumps(Call(os.system, COMMAND), 4)), ["posix.system"]),
    "torch.hub": (by_hand(b"\x80\x02ctorch.hub\nload\nX\x01\x00\x00\x00x\x85R."), ["torch.hub.load"]),
    "numpy's runstring": (by_hand(b"\x80\x02cnumpy.testing._private.utils\nrunstring\n)R."), ["runstring"]),
    "extension registry": (by_hand(b"\x80\x02\x82\x01."), ["instruction"]),
    "a whole module": (whole_module, ["torch.nn.modules.container.Sequential", "state_dict()"]),
    "a module in a dictionary": (lambda path: torch.save({"model": torch.nn.Linear(2, 2), "epoch": 1}, path), ["torch.nn.modules.linear.Linear"]),
    "TorchScript": (script, ["TorchScript", "torch.jit.load"]),
    "tar of 0.1": (tar, ["tar"]),
    "PYTORCH1": (lambda path: path.write_bytes(b"PYTORCH1" + bytes(600)), ["PYTORCH1"]),
    "a plain pickle": (lambda path: path.write_bytes(pickle.dumps({"a": 1}, 4)), ["no file of PyTorch"]),
    "numbers only": (lambda path: torch.save({"a": 1}, path), ["no tensors"]),
    "a sparse tensor": (lambda path: torch.save({"a": torch.eye(3).to_sparse()}, path), ["'a'", "sparse"]),
    "a quantised tensor": (lambda path: torch.save({"a": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)}, path), ["'a'", "quantised"]),
    "a flipped bit": (flipped, ["checksum"]),
    "a missing storage": (without("data/0"), ["storage '0' is missing"]),
    "no version": (without("version"), ["version"]),
    "half of a file": (cut, ["end record"]),
    "a dictionary in itself": (lambda path: torch.save((lambda state: state.update(a=state) or state)({"w": torch.ones(2)}), path), ["holds itself"]),
    "a bomb of lists": (by_hand(b"\x80\x02]q\x00" + b"".join(b"]q\x01(h\x00h\x00h\x00h\x00eq\x00" for _ in range(60)) + b"."), []),
    "a deep nest": (by_hand(b"\x80\x02" + b"]" * 100000 + b"a" * 99999 + b"."), []),
    "deep tuples": (by_hand(b"\x80\x02)" + b"\x85" * 200000 + b"."), []),
    "a large memo": (by_hand(b"\x80\x02N" + b"".join(b"r" + struct.pack("<I", 0xFFFFFFFF - number * 7) for number in range(100000)) + b"."), []),
    "a negative length": (by_hand(b"\x80\x02\x8b\xff\xff\xff\xff."), ["negative"]),
    "a huge number": (by_hand(b"\x80\x02\x8b\xff\xff\xff\x7f."), ["cut off"]),
    "an empty stack": (by_hand(b"\x80\x02R."), ["takes more values"]),
    "a value of nobody": (by_hand(b"\x80\x02h\x05."), ["refers to a value"]),
}


# Arrays


def array_case(array, **options):
    """A way to write one array into an archive."""
    def write(path):
        np.savez(path, x=array, **options)
        return array
    return write


def with_version(version):
    """An array whose header has another version."""
    def write(path):
        array = np.arange(6.0).reshape(2, 3)
        content = io.BytesIO()
        np.lib.format.write_array(content, array, version=version)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.npy", content.getvalue())
        return array
    return write


def little(array):
    """The way back from another order of bytes."""
    def write(path):
        np.savez(path, x=array)
        return array.astype(array.dtype.newbyteorder("<"))
    return write


ARRAYS = {
    "C order": array_case(np.arange(24.0).reshape(2, 3, 4)),
    "Fortran order": array_case(np.asfortranarray(np.arange(24.0).reshape(2, 3, 4))),
    "large, Fortran order": array_case(np.asfortranarray(np.arange(800.0 * 900).reshape(800, 900))),
    "big-endian": little(np.arange(6, dtype=">f4")),
    "big-endian, Fortran order": little(np.asfortranarray(np.arange(6, dtype=">c8").reshape(2, 3))),
    "scalar": array_case(np.float32(3)), "empty": array_case(np.zeros((0, 4), np.float16)),
    "with text beside": array_case(np.arange(3), note=np.array("text")), "bool": array_case(np.array([True, False])),
    "bfloat16": array_case(np.array([0x3F80, 0x4000], np.uint16).view("V2")), "version 1": with_version((1, 0)),
    "version 2": with_version((2, 0)), "version 3": with_version((3, 0)),
    "deflated": lambda path: (np.savez_compressed(path, x=np.arange(1000.0)), np.arange(1000.0))[1],
}
