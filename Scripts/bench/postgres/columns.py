"""The target's columns, and how a row of the extract becomes a row of them."""

from pathlib import Path

import measure


class Column:
    """A column of the target, as the job file says it is made."""

    def __init__(self, rule: dict):
        self.name = rule["name"]
        self.type = rule["type"]
        self.fields = rule.get("from", [self.name])
        self.format = rule.get("format", "")
        self.nulls = {"", *rule.get("nulls", [])}
        if self.format not in ("", "yyyyMMdd", "yyyyMMdd HHmmss"):
            raise measure.BenchError(f"cannot read the format {self.format} of {self.name}")

    def reader(self, header: list):
        """A function from the fields of a row to the value as every tool reads it; None is null.
        That dates exist and numbers are such is left to PostgreSQL."""
        places = [header.index(name) for name in self.fields]
        number = self.type.startswith("numeric")

        def read(row):
            text = " ".join(row[place] for place in places)
            if text in self.nulls:
                return None
            if number and text.endswith("-"):
                return "-" + text[:-1]
            if not self.format:
                return text
            day = f"{text[:4]}-{text[4:6]}-{text[6:8]}"
            if self.format == "yyyyMMdd":
                return day
            return f"{day} {text[9:11]}:{text[11:13]}:{text[13:]}"

        return read

    def arrow_type(self):
        import pyarrow

        if self.type.startswith("numeric("):
            digits = self.type.removeprefix("numeric(").removesuffix(")")
            precision, scale = map(int, digits.split(","))
            return pyarrow.decimal128(precision, scale)
        return {
            "text": pyarrow.string(),
            "date": pyarrow.date32(),
            "timestamp": pyarrow.timestamp("us"),
        }[self.type]


def columns_of(job: Path) -> list:
    import yaml

    return [Column(rule) for rule in yaml.safe_load(job.read_text())["columns"]]
