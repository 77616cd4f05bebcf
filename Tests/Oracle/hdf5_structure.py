"""What an HDF5 file consists of besides values of tensors, in a form that compares."""

import re
import subprocess

import h5py
import numpy as np

OWN_ATTRIBUTES = ("imwa", "imwa_ema_updates")


def structure_of(path, left_out=()):
    """Everything but the values of tensors: links and their order, types, attributes, creation properties.

    Objects whose paths begin with one of `left_out` are passed over.
    """
    with h5py.File(path) as file:
        creation = file.id.get_create_plist()
        size = creation.get_userblock()
        start = path.read_bytes()[: size + 9]
        facts = (creation.get_sizes(), creation.get_file_space_strategy(), creation.get_link_creation_order())
        found = {"file": ("superblock version, user block, creation", start[-1], start[:size], *facts)}
        collect(file, file["/"], "", found, {}, left_out)
        return found


def collect(file, thing, path, found, known, left_out):
    """Adds an object and what is below it."""
    info = h5py.h5o.get_info(thing.id)
    if info.addr in known:
        found[path] = ("the same as", known[info.addr])
        return
    known[info.addr] = path
    found[path] = (type(thing).__name__, attributes_of(file, thing), *properties_of(file, thing))
    if isinstance(thing, h5py.Group):
        names = link_names(thing)
        found[f"{path}/"] = [name for name in names if not f"{path}/{name}".startswith(tuple(left_out))]
        for name in found[f"{path}/"]:
            link = thing.get(name, getlink=True)
            if isinstance(link, h5py.HardLink):
                collect(file, thing[name], f"{path}/{name}", found, known, left_out)
            else:
                found[f"{path}/{name}"] = (type(link).__name__, link.path)


def link_names(group):
    """The names in a group, in their order of creation where the file keeps it."""
    creation = group.id.get_create_plist()
    is_tracked = creation.get_link_creation_order() & h5py.h5p.CRT_ORDER_TRACKED
    names = []
    group.id.links.iterate(names.append, idx_type=h5py.h5.INDEX_CRT_ORDER if is_tracked else h5py.h5.INDEX_NAME)
    return [name.decode("utf-8", "surrogateescape") for name in names]


def attributes_of(file, thing):
    """Name, type, shape and value of each attribute, in their order where the file keeps it."""
    is_tracked = False
    if not isinstance(thing, h5py.Datatype):
        is_tracked = thing.id.get_create_plist().get_attr_creation_order() & h5py.h5p.CRT_ORDER_TRACKED
    index = h5py.h5.INDEX_CRT_ORDER if is_tracked else h5py.h5.INDEX_NAME
    found = []
    for number in range(h5py.h5a.get_num_attrs(thing.id)):
        attribute = h5py.h5a.open(thing.id, index=number, index_type=index)
        name = attribute.name.decode()
        if name not in OWN_ATTRIBUTES:
            value = thing.attrs[name]
            found.append((name, type_of(file, attribute.get_type()), space_of(attribute.get_space()), plain(file, value)))
    return found


def properties_of(file, thing):
    """What the object was created with."""
    if isinstance(thing, h5py.Datatype):
        return (type_of(file, thing.id),)
    creation = thing.id.get_create_plist()
    facts = [creation.get_attr_creation_order(), creation.get_attr_phase_change()]
    if isinstance(thing, h5py.Group):
        return (*facts, creation.get_link_creation_order())
    layout = creation.get_layout()
    state = creation.fill_value_defined()
    fill = np.zeros((), thing.dtype)
    if state == h5py.h5d.FILL_VALUE_USER_DEFINED:
        creation.get_fill_value(fill)
    facts += [type_of(file, thing.id.get_type()), space_of(thing.id.get_space()), layout, state, fill.tobytes()]
    facts += [creation.get_fill_time(), creation.get_alloc_time()]
    if not any(fill.tobytes()):
        # An average of other values that nobody wrote may be stored.
        facts += [("storage", thing.id.get_space_status())]
    if layout == h5py.h5d.CHUNKED:
        facts += [creation.get_chunk()]
        if not any(fill.tobytes()):
            facts += [("storage", thing.id.get_num_chunks())]
        facts += [creation.get_filter(index) for index in range(creation.get_nfilters())]
    if thing.dtype.kind in "OVS" and not is_tensor(thing):
        facts.append(plain(file, thing[()]) if thing.shape is not None else None)
    return tuple(facts)


def type_of(file, data_type):
    """A type as the bytes that store it, and where it is when it is an object of its own."""
    if data_type.committed():
        return (h5py.h5i.get_name(data_type), h5py.h5t.TypeID.encode(data_type.copy()))
    return h5py.h5t.TypeID.encode(data_type)


def space_of(space):
    """The kind of a shape, its extents and how far they may grow."""
    kind = space.get_simple_extent_type()
    if kind != h5py.h5s.SIMPLE:
        return kind
    return (space.get_simple_extent_dims(), space.get_simple_extent_dims(True))


def plain(file, value):
    """A value of any type as something that compares; references as the paths that they lead to."""
    if isinstance(value, h5py.Reference):
        return ("reference", file[value].name) if value else "null"
    if isinstance(value, h5py.Empty):
        return "empty"
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        return [plain(file, item) for item in value.ravel()]
    if isinstance(value, np.ndarray | np.generic):
        return (str(value.dtype), np.asarray(value).tobytes())
    return value


def is_tensor(dataset):
    """Whether a dataset is one of numbers, which are averaged or copied."""
    if dataset.attrs.get("dtype") == "bfloat16":
        return True
    return dataset.dtype.kind in "fciub" and dataset.dtype.subdtype is None


def without_storage(structure):
    """A structure that does not tell what is stored and what was never written."""

    def cut(facts):
        if not isinstance(facts, tuple):
            return facts
        return tuple(fact for fact in facts if not (isinstance(fact, tuple) and fact[:1] == ("storage",)))

    return {path: cut(facts) for path, facts in structure.items()}


def difference(first, second):
    """The first difference between two structures; None if there is none."""
    for key in first.keys() | second.keys():
        if first.get(key) != second.get(key):
            return f"'{key}': expected {shortened(first.get(key))}, found {shortened(second.get(key))}"
    return None


def shortened(value):
    """A value's text, of which nothing is left out where it matters."""
    text = repr(value)
    return text if len(text) < 1500 else f"{text[:1500]}…"


def times_of(path):
    """The stored times of all objects as `h5ls` shows them."""
    listed = subprocess.run(["h5ls", "-rv", path], capture_output=True, check=True, env={"TZ": "UTC"}).stdout
    lines = listed.decode("utf-8", "surrogateescape").splitlines()
    return [line.split(" {")[0] for line in lines if line.startswith("/") or "Modified:" in line]


def dump_of(path):
    """What `h5dump` of libhdf5 1.10 says of types, attributes and properties; places and sizes of storage left out."""
    dumped = subprocess.run(["h5dump", "-A", "-p", path], capture_output=True, check=False)
    text = dumped.stdout.decode("utf-8", "surrogateescape").split("\n", 1)[-1]
    kept = [line for line in text.split("\n") if not re.match(r"\s+(SIZE \d+|OFFSET \d+|DATASET \d+ |OBJECT_REF)", line)]
    return [re.sub(r"(DATASET|GROUP) \d+ ", r"\1 ", line) for line in kept], dumped.returncode
