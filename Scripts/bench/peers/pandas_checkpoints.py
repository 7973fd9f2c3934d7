"""The checkpoint manager that Cairn's stages replace, as plainly as its guide describes it: rows as
Parquet, state as pickle, SHA-256 of pandas' hashes, a registry that is rewritten as JSON."""

import hashlib
import json
import pickle
import sys
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd


def prices(seed: int) -> pd.DataFrame:
    rows = np.arange(250)
    frame = {"day": pd.to_datetime(rows + 19_358, unit="D"), "ticker": "AAPL"}
    for number in range(7):
        frame[f"value_{number}"] = ((rows * 7_919 + seed + number * 31) % 100_003) * 0.01
    frame["volume"] = rows * 104_729 + seed
    return pd.DataFrame(frame)


def digest(data: pd.DataFrame) -> str:
    hashes = pd.util.hash_pandas_object(data.sort_index(), index=True).values
    return hashlib.sha256(hashes.tobytes()).hexdigest()


class Checkpoints:
    def __init__(self, folder: Path):
        self.folder = folder
        self.registry = folder / "checkpoint_metadata.json"
        folder.mkdir(parents=True)
        self.write({"checkpoints": {}})

    def write(self, registry) -> None:
        aside = self.registry.with_suffix(".tmp")
        aside.write_text(json.dumps(registry, indent=2))
        aside.replace(self.registry)

    def save(self, pipeline: str, stage: str, data: pd.DataFrame, metadata) -> str:
        now = datetime.now()
        name = f"{pipeline}_{stage}_{now:%Y%m%d_%H%M%S}"
        found = digest(data)
        aside = self.folder / f"{name}.tmp"
        data.to_parquet(aside, compression="snappy")
        aside.rename(self.folder / f"{name}.parquet")
        state = {
            "stage": stage, "data_hash": found, "metadata": metadata, "timestamp": now.isoformat(),
        }  # fmt: skip
        aside.write_bytes(pickle.dumps(state))
        aside.rename(self.folder / f"{name}_state.pkl")
        registry = json.loads(self.registry.read_text())
        registry["checkpoints"].setdefault(pipeline, []).append(
            {"checkpoint_id": name, "stage": stage, "data_hash": found, "data_shape": data.shape}
        )
        self.write(registry)
        return name

    def load(self, name: str) -> pd.DataFrame:
        data = pd.read_parquet(self.folder / f"{name}.parquet")
        state = pickle.loads((self.folder / f"{name}_state.pkl").read_bytes())
        assert digest(data) == state["data_hash"]
        return data


def main() -> None:
    folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
    times = {"saves": [], "loads": []}
    for measured in (False, True):
        checkpoints = Checkpoints(folder / str(measured))
        for round_ in range(rounds):
            data = prices(round_)
            start = time.perf_counter()
            name = checkpoints.save(
                f"pipeline_{round_ // 4}", f"stage_{round_ % 4}", data, {"rows": 250}
            )
            saved = time.perf_counter()
            checkpoints.load(name)
            if measured:
                times["saves"].append(saved - start)
                times["loads"].append(time.perf_counter() - saved)
    print(json.dumps(times))


main()
