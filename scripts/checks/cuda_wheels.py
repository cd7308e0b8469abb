"""Checks by the real wheels that `lorikeet setup device=cuda` leaves no library unresolved.

Usage: cuda_wheels.py FOLDER

FOLDER holds the wheels that set-up downloads:
    pip download --no-deps --only-binary=:all: --python-version 3.12 --platform manylinux_2_27_x86_64 \
        --platform manylinux2014_x86_64 tensorflow==2.21.0 nvidia-…-cu12

TensorFlow opens its CUDA libraries by name at run time (XLA's tsl/platform/default/dso_loader.cc); the
loader then looks along the run path of the library that asks. For each of these names, and for what the
found files need in turn, this prints which wheel has the file and by which entry of the run path it is
found below the runtime folder. Exit code 1 when one is missing or not on the path. Needs only the standard
library; reads about 4 GB.
"""

import glob
import os
import posixpath
import shutil
import struct
import sys
import tempfile
import zipfile

# What TensorFlow 2.21's loader asks for: its source's names, with the versions it was built with.
OPENED = {
    "libcudart.so.12": "CUDA runtime",
    "libcublas.so.12": "matrix products",
    "libcublasLt.so.12": "matrix products",
    "libcufft.so.11": "Fourier transforms",
    "libcusolver.so.11": "linear solvers",
    "libcusparse.so.12": "sparse products",
    "libcudnn.so.9": "convolutions, attention, normalisation",
    "libcupti.so.12": "profiler",
    "libnccl.so.2": "several cards",
}
ASKERS = ["tensorflow/libtensorflow_framework.so.2", "tensorflow/libtensorflow_cc.so.2"]
# From the driver, the C library and the compiler's runtime: not in wheels.
SYSTEM = ("libcuda.so", "libc.so", "libm.so", "libdl.so", "librt.so", "libpthread.so", "ld-linux", "libgcc_s.so", "libstdc++.so", "libutil.so")
PREFIXES = ("tensorflow/libtensorflow_", "nvidia/")

PT_DYNAMIC, DT_NEEDED, DT_STRTAB, DT_RPATH, DT_RUNPATH = 2, 1, 5, 15, 29


def dynamic(file):
    """Needed sonames and run path of a 64-bit little-endian ELF file."""
    head = file.read(64)
    if head[:6] != b"\x7fELF\x02\x01":
        return [], []
    offset, = struct.unpack_from("<Q", head, 32)
    size, count = struct.unpack_from("<HH", head, 54)
    file.seek(offset)
    headers = [struct.unpack("<IIQQQQQQ", file.read(size)) for _ in range(count)]
    segment = next((h for h in headers if h[0] == PT_DYNAMIC), None)
    if segment is None:
        return [], []
    file.seek(segment[2])
    pairs = list(struct.iter_unpack("<qQ", file.read(segment[5])))
    address = next(value for tag, value in pairs if tag == DT_STRTAB)
    load = next(h for h in headers if h[0] == 1 and h[3] <= address < h[3] + h[6])
    base = load[2] + address - load[3]

    def text(index):
        file.seek(base + index)
        found = b""
        while b"\0" not in found:
            piece = file.read(4096)
            if not piece:
                break
            found += piece
        return found.split(b"\0")[0].decode()

    needed = [text(value) for tag, value in pairs if tag == DT_NEEDED]
    path = [text(value) for tag, value in pairs if tag in (DT_RPATH, DT_RUNPATH)]
    return needed, list(dict.fromkeys(":".join(path).split(":"))) if path else []


def contents(folder):
    """Member name -> wheel, for what set-up unpacks."""
    found = {}
    for wheel in sorted(glob.glob(os.path.join(folder, "*.whl"))):
        with zipfile.ZipFile(wheel) as pack:
            for name in pack.namelist():
                if name.startswith(PREFIXES) and ".so" in posixpath.basename(name):
                    found[name] = wheel
    return found


def resolve(soname, asker, paths, members):
    for entry in paths:
        place = posixpath.normpath(posixpath.join(entry.replace("$ORIGIN", posixpath.dirname(asker)), soname))
        if place in members:
            return place, entry
    return None, None


def main(folder):
    members = contents(folder)
    read = {}

    def facts(name):
        if name not in read:
            # Unpacked first: going back in a packed file means to unpack it again.
            with zipfile.ZipFile(members[name]) as pack, pack.open(name) as packed, tempfile.TemporaryFile() as file:
                shutil.copyfileobj(packed, file, 1 << 22)
                file.seek(0)
                read[name] = dynamic(file)
        return read[name]

    missing = []
    waiting = [(soname, ASKERS, use) for soname, use in OPENED.items()]
    seen = set()
    while waiting:
        soname, askers, use = waiting.pop(0)
        if soname in seen or soname.startswith(SYSTEM):
            continue
        seen.add(soname)
        place = None
        for asker in askers:
            place, entry = resolve(soname, asker, facts(asker)[1], members)
            if place is not None:
                break
        if place is None:
            # A library that is loaded already serves every later request for its name.
            loaded = [name for name in read if posixpath.basename(name) == soname]
            anywhere = [name for name in members if posixpath.basename(name) == soname]
            if not loaded:
                where = f"it is at {anywhere[0]}" if anywhere else "no wheel has it"
                missing.append(soname)
                print(f"MISSING  {soname:26} {use}: not on the run path of {askers[0]}; {where}")
            continue
        wheel = os.path.basename(members[place]).split("-py3")[0].split("-cp3")[0]
        print(f"ok       {soname:26} {use}: {wheel} by {entry}")
        waiting += [(other, [place], f"needed by {soname}") for other in facts(place)[0]]
    unused = sorted({os.path.basename(w) for w in members.values()} - {os.path.basename(members[n]) for n in read})
    for wheel in unused:
        print(f"note     {wheel}: none of its libraries is named above")
    print(f"{len(seen)} libraries, {len(missing)} missing")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
