"""Unpacks the members of a wheel (zip) or npm tarball whose names start with one of the prefixes.

Usage: unpack.py ARCHIVE DESTINATION PREFIX...     prints `done total` in bytes while it works
       unpack.py --requires WHEEL EXTRA            prints the requirements of one extra, one a line
"""

import os
import shutil
import sys
import tarfile
import zipfile


def members(archive):
    """Yields (name, size, mode, open) for each regular file."""
    if zipfile.is_zipfile(archive):
        pack = zipfile.ZipFile(archive)
        for info in pack.infolist():
            if not info.is_dir():
                yield info.filename, info.file_size, info.external_attr >> 16, lambda i=info: pack.open(i)
    else:
        pack = tarfile.open(archive)
        for info in pack:
            if info.isfile():
                yield info.name, info.size, info.mode, lambda i=info: pack.extractfile(i)


def unpack(archive, destination, prefixes):
    wanted = [m for m in members(archive) if m[0].startswith(tuple(prefixes)) and ".." not in m[0].split("/")]
    total = sum(size for _, size, _, _ in wanted)
    done = 0
    for name, size, mode, open_member in wanted:
        path = os.path.join(destination, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open_member() as source, open(path, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 22)
        if mode & 0o100:
            os.chmod(path, 0o755)
        done += size
        print(done, total, flush=True)


def requires(wheel, extra):
    with zipfile.ZipFile(wheel) as pack:
        name = next(n for n in pack.namelist() if n.endswith(".dist-info/METADATA"))
        for line in pack.read(name).decode().splitlines():
            if line.startswith("Requires-Dist:") and f'extra == "{extra}"' in line:
                print(line[len("Requires-Dist:") :].split(";")[0].strip())


if __name__ == "__main__":
    if sys.argv[1] == "--requires":
        requires(sys.argv[2], sys.argv[3])
    else:
        unpack(sys.argv[1], sys.argv[2], sys.argv[3:])
