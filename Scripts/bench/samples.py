"""Makes the files that are measured, once, under bench-data/."""

import gzip
import os
import random
import shutil
from pathlib import Path

import measure

KEY = "surat_pengantar_barang"


class Samples:
    """Files by name, made when first asked for.

    The extracts have no bad rows: DuckDB's COPY and an inferred job take them as they are, so that
    both sides do the same work.
    """

    def __init__(self, cairn: Path, folder: Path, shared: Path):
        self.cairn = cairn
        self.folder = folder
        self.shared = shared
        folder.mkdir(parents=True, exist_ok=True)

    def _made(self, name: str, make) -> Path:
        path = self.folder / name
        if not path.exists():
            print(f"making {path.name} …", flush=True)
            # The ending decides how the command writes the file: keep it.
            aside = self.folder / f"making-{name}"
            make(aside)
            os.replace(aside, path)
        return path

    def _extract(self, name: str, rows: int) -> Path:
        return self._made(
            name,
            lambda path: measure.run(
                [self.cairn, "sample", "--rows", rows, "--seed", 1, "--bad-rate", 0, path]
            ),
        )

    def extract(self) -> Path:
        """300,000 rows, some 140 MB."""
        return self._extract("extract-300k.dat", 300_000)

    def extract_gz(self) -> Path:
        """The same, compressed."""
        return self._extract("extract-300k.dat.gz", 300_000)

    def extract_2gb(self) -> Path:
        """4,500,000 rows, some 2 GB."""
        return self._extract("extract-4500k.dat", 4_500_000)

    def extract_small(self) -> Path:
        """100,500 rows: 10,050 chunks of ten."""
        return self._extract("extract-100k.dat", 100_500)

    def flights(self):
        """flights.csv, unpacked, or None where CAIRN_SHARED has none."""
        source = self.shared / "data" / "flights.csv.gz"
        if not source.exists():
            return None

        def unpack(path):
            with gzip.open(source) as packed, open(path, "wb") as plain:
                shutil.copyfileobj(packed, plain)

        return self._made("flights.csv", unpack)

    def column(self, name: str, make) -> Path:
        """A Parquet file of one column, which `make` writes to a path."""
        return self._made(f"column-{name}.parquet", make)

    def long_fields(self) -> Path:
        """200 rows with a field of 1 MB each."""

        def make(path):
            source = random.Random(1)
            letters = b"abcdefghijklmnopqrstuvwxyz 0123456789"
            table = bytes(letters[index % len(letters)] for index in range(256))
            with open(path, "wb") as file:
                file.write(b"id~^body~^note\n")
                for row in range(200):
                    body = source.randbytes(1 << 20).translate(table)
                    file.write(b"%d~^%b~^row %d\n" % (row, body, row))

        return self._made("long-fields.dat", make)

    def distinct(self) -> Path:
        """300,000 rows of 20 columns, 140 MB in all, no value of which appears twice."""

        def make(path):
            source = random.Random(2)
            with open(path, "wb") as file:
                file.write(b"~^".join(b"column %d" % column for column in range(20)) + b"\n")
                for row in range(300_000):
                    noise = source.randbytes(200).hex().encode()
                    file.write(
                        b"~^".join(
                            b"%b%x" % (noise[c * 20 : c * 20 + 14], row * 20 + c) for c in range(20)
                        )
                    )
                    file.write(b"\n")

        return self._made("distinct.dat", make)
