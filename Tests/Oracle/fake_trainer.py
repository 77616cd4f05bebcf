#!/usr/bin/env python3
"""A trainer for tests: its outputs depend only on what the contract tells it.

It speaks through IMWA_* variables alone. FAKE_* variables and a word as the first argument make it behave
badly; the word may be limited to an episode, a member and an attempt: `nan@3.2.1`.
"""
import hashlib
import json
import os
import signal
import struct
import sys
import time

env = os.environ


def value(name, default=None):
    return env.get("IMWA_" + name, default)


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    result = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        raw = data[8 + length + start:8 + length + end]
        result[name] = list(struct.unpack(f"<{len(raw) // 4}f", raw)) if entry["dtype"] == "F32" else raw
    return result


def encode(tensors):
    header, parts, offset = {}, [], 0
    for name, values in tensors.items():
        if isinstance(values, bytes):
            raw, dtype, shape = values, "U8", [len(values)]
        else:
            raw, dtype, shape = struct.pack(f"<{len(values)}f", *values), "F32", [len(values)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + len(raw)]}
        parts.append(raw)
        offset += len(raw)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + b"".join(parts)


def write(path, tensors):
    with open(path, "wb") as file:
        file.write(encode(tensors))


def noise(*words):
    digest = hashlib.sha256(" ".join(map(str, words)).encode()).digest()
    return int.from_bytes(digest[:4], "little") / 2**32 - 0.5


def applies(word):
    name, _, where = word.partition("@")
    if where:
        attempt = value("ATTEMPT_DIR").rsplit("-", 1)[1]
        here = [value("EPISODE", "0"), value("MEMBER", "0"), attempt]
        for wanted, found in zip(where.split("."), here):
            if wanted not in ("*", found):
                return None
    return name


def wait():
    print("ready", flush=True)
    time.sleep(20)
    sys.exit(4)


def misbehave(word):
    if word == "fail":
        print("the data set is missing", file=sys.stderr)
        sys.exit(3)
    if word == "hang":
        wait()
    if word == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        wait()
    if word == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "nothing":
        sys.exit(0)
    if word == "half":
        data = encode(read(value("INIT")))
        with open(value("OUT"), "wb") as file:
            file.write(data[:len(data) // 2])
        sys.exit(0)
    if word == "slow":
        print("ready", flush=True)
        time.sleep(1)
    if word == "saves-when-asked":
        def save(*_):
            write(value("OUT"), read(value("INIT")))
            sys.exit(0)
        signal.signal(signal.SIGTERM, save)
        wait()


def train(word):
    weights = read(value("INIT"))
    state = {"count": [0.0], "momentum": [0.0], "random": bytes(4)}
    if value("STATE_IN"):
        state = read(value("STATE_IN"))
    start, stop = int(value("FROM_ITERATION")), int(value("TO_ITERATION"))
    rate = float(value("LR", "0.1"))
    seconds = float(env.get("FAKE_SECONDS", "0"))
    for iteration in range(start, stop):
        state["count"][0] += 1
        state["momentum"][0] = 0.5 * state["momentum"][0] + noise(value("SEED"), iteration)
        for name, values in weights.items():
            if isinstance(values, list):
                for index in range(len(values)):
                    change = noise(value("SEED"), iteration, name, index) + state["momentum"][0]
                    values[index] = struct.unpack("<f", struct.pack("<f", values[index] + rate * change))[0]
        if seconds:
            time.sleep(seconds / (stop - start))
        print(json.dumps({"iteration": iteration + 1, "loss": 1 / (iteration - start + 2)}), flush=True)
    state["random"] = bytes([int(value("MEMBER")), 1, 2, 3])
    names = list(weights)
    if word == "nan":
        weights[names[0]][1] = float("nan")
    if word == "renamed":
        weights["other"] = weights.pop(names[0])
    if word == "reshaped":
        weights[names[0]].append(1.0)
    if word == "unchanged":
        weights = read(value("INIT"))
    write(value("OUT"), weights)
    if value("EMA_OUT"):
        ema = read(value("EMA_INIT"))
        for name in names:
            if isinstance(weights[name], list):
                ema[name] = [0.9 * a + 0.1 * b for a, b in zip(ema[name], weights[name])]
        write(value("EMA_OUT"), ema)
    if value("STATE_OUT"):
        if word == "opaque-state":
            open(value("STATE_OUT"), "wb").write(b"opaque")
        elif word != "no-state":
            write(value("STATE_OUT"), state)


def main():
    word = next((name for name in map(applies, sys.argv[2:]) if name), "")
    misbehave(word)
    kind = sys.argv[1]
    if kind == "init":
        write(value("OUT"), {"a": [noise(value("SEED"), i) for i in range(8)], "b": [1.0, 2.0]})
    elif kind == "evaluate":
        weights = read(value("INIT"))
        if word == "no-number":
            print("accuracy is good")
        else:
            print("some talk")
            print(json.dumps({"accuracy": sum(weights["a"]) / 10, "more": {"loss": 1.5}}))
    elif kind == "recalibrate":
        weights = read(value("INIT"))
        weights["b"] = [v + 1 for v in weights["b"]]
        write(value("OUT"), weights)
    else:
        train(word)


main()
