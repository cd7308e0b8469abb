"""Writes test/fixtures/data/*.parquet and the rows that a reader must get from them (JSON).

Needs pyarrow. Run from the project's folder: python scripts/golden/parquet_files.py
"""
import base64
import datetime
import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = pathlib.Path("test/fixtures/data")

TYPES = pa.schema(
    [
        ("question", pa.string()),
        ("answer", pa.large_string()),
        ("small", pa.int64()),
        ("large", pa.int64()),
        ("share", pa.float64()),
        ("right", pa.bool_()),
        ("when", pa.timestamp("ms")),
        ("bytes", pa.binary(3)),
        ("picture", pa.binary()),
        ("list", pa.list_(pa.int32())),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
    ]
)


def typed_rows():
    when = datetime.datetime(2025, 3, 4, 5, 6, 7, 890000)
    talk = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "2 + 2 = 4 — “yes”"}]
    return [
        dict(question="What is 1+1?", answer="1+1 = <<1+1=2>>2\n#### 2", small=7, large=2**53 + 1,
             share=0.25, right=True, when=when, bytes=b"\x00\xff\x10", picture=b"\x89PNG", list=[1, 2], messages=talk),
        dict(question="«é» 🦜\n\"q\", r", answer="#### 1,234", small=-1, large=-(2**60), share=-1.5,
             right=False, when=when, bytes=b"abc", picture=b"abcd", list=[], messages=[]),
        dict(question=None, answer=None, small=None, large=None, share=None, right=None, when=None,
             bytes=None, picture=None, list=None, messages=None),
    ]


def text_or_bytes(value):
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def as_json(row):
    row = dict(row)
    if row["when"] is not None:
        row["when"] = row["when"].isoformat(timespec="milliseconds") + "Z"
        for name in ("bytes", "picture"):
            row[name] = text_or_bytes(row[name])
    if row["large"] is not None:
        row["large"] = str(row["large"])
    return row


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = typed_rows()
    table = pa.Table.from_pylist(rows, schema=TYPES)
    pq.write_table(table, FOLDER / "types-snappy.parquet", compression="snappy")
    pq.write_table(table, FOLDER / "types-zstd.parquet", compression="zstd", row_group_size=2)
    expected = [as_json(row) for row in rows]
    (FOLDER / "types.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")
    counts = pa.table({"counts": pa.array([[("Key", 1), ("other", 2)]], pa.map_(pa.string(), pa.int64()))})
    pq.write_table(counts, FOLDER / "map.parquet")
    bytes_keys = pa.map_(pa.binary(), pa.map_(pa.binary(2), pa.binary()))
    made = pa.table({"counts": pa.array([[(b"Key", [(b"hi", b"you")])]], bytes_keys)})
    pq.write_table(made, FOLDER / "bytes-map.parquet")
    for split, count in (("train", 5), ("test", 2)):
        made = [
            dict(question=f"How many are {i} and {i + 1}?", answer=f"It is {i}+{i + 1} = <<{i}+{i + 1}={2 * i + 1}>>{2 * i + 1}.\n#### {2 * i + 1}")
            for i in range(count)
        ]
        pq.write_table(pa.Table.from_pylist(made), FOLDER / f"{split}-00000-of-00001.parquet")


if __name__ == "__main__":
    main()
