"""Prints the first values of a tensor in a merged file beside the exact mean of the inputs.

Usage: show_mean.py TENSOR MERGED INPUT INPUT...
"""

import sys

import exact
import safetensors_file

SHOWN = 4


def main():
    """Compares all values and shows the first."""
    name, merged_path, *input_paths = sys.argv[1:]
    merged = safetensors_file.read(merged_path).tensors[name]
    inputs = [safetensors_file.read(path).tensors[name] for path in input_paths]
    expected = exact.encode(exact.mean([exact.decode(one.data, one.dtype) for one in inputs]), merged.dtype)
    for label, data in (("imwa-avg", merged.data), ("exact", expected)):
        values = list(exact.decode(data, merged.dtype))[:SHOWN]
        print(f"  {label:9}", "  ".join(f"{value: .9f}" for value in values))
    same = merged.data == expected
    count = len(list(exact.decode(expected, merged.dtype)))
    print(f"  {count} values of '{name}':", "the same bit for bit" if same else "NOT the same")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
