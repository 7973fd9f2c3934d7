"""Writes the rows of an extract ready for the tools that do not read it, into a folder.

`all.csv` has every row with its number; `latest.csv` and `latest.parquet` have the last row of
every key. None of the measured tools has a part in it: what a table must hold is read off these
files. A program of its own, as a process hands the peak of its memory on to those it starts.
"""

import csv
import sys
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet

from postgres.columns import columns_of


def write_csv(extract: Path, columns: list, key: str, folder: Path) -> None:
    latest = {}
    names = [column.name for column in columns]
    with (
        open(extract, encoding="utf-8", newline="\n") as source,
        open(folder / "all.csv", "w", encoding="utf-8", newline="") as file,
    ):
        header = [name.lower().replace(" ", "_") for name in next(source).rstrip("\n").split("~^")]
        readers = [column.reader(header) for column in columns]
        place = names.index(key)
        writer = csv.writer(file)
        for number, line in enumerate(source):
            fields = line.rstrip("\n").split("~^")
            row = [read(fields) for read in readers]
            writer.writerow([*row, number])
            latest[row[place]] = row
    with open(folder / "latest.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(latest.values())


def write_parquet(columns: list, folder: Path) -> None:
    table = pyarrow.csv.read_csv(
        folder / "latest.csv",
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={column.name: column.arrow_type() for column in columns},
            null_values=[""], strings_can_be_null=True,
        ),
    )  # fmt: skip
    pyarrow.parquet.write_table(table, folder / "latest.parquet", compression="snappy")


def main() -> None:
    extract, job, key, folder = sys.argv[1:]
    columns = columns_of(Path(job))
    write_csv(Path(extract), columns, key, Path(folder))
    write_parquet(columns, Path(folder))


main()
