"""A private PostgreSQL server for the time of a bench."""

import glob
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import measure

USER = "bench"
DATABASE = "bench"
# All else is as PostgreSQL ships it.
SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "4GB"}


class Cluster:
    """A server on loopback with SCRAM passwords, its data in a folder of its own that is deleted
    on leaving. It runs as `postgres` where the bench runs as root, which initdb refuses."""

    def __init__(self):
        self.binaries = find_binaries()
        self.owner = "postgres" if os.geteuid() == 0 else None
        self.password = secrets.token_hex(16)
        self.port = free_port()
        self.version = re.search(r"\d+[.\d]*", self._said("postgres", "--version"))[0]

    def __enter__(self) -> "Cluster":
        # /var/tmp is on a disk, /tmp often is not: a commit should cost what it costs.
        self.folder = Path(tempfile.mkdtemp(prefix="cairn-bench-postgres-", dir="/var/tmp"))
        self.server = None
        try:
            if self.owner:
                account = account_of(self.owner)
                os.chown(self.folder, account.pw_uid, account.pw_gid)
            self._create()
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        if self.server and self.server.poll() is None:
            self.server.send_signal(2)  # SIGINT: ends sessions, then itself
            try:
                self.server.wait(60)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def environment(self) -> dict:
        """What libpq reads."""
        return {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": USER,
            "PGPASSWORD": self.password,
            "PGDATABASE": DATABASE,
            "PGSSLMODE": "disable",
        }

    @property
    def url(self) -> str:
        """Without the password, which PGPASSWORD gives."""
        return f"postgres://{USER}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def url_with_password(self) -> str:
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"

    def psql(self, *arguments) -> list:
        """A psql command that stops at the first error."""
        return [
            self.binaries / "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align",
            "--set", "ON_ERROR_STOP=1", *arguments,
        ]  # fmt: skip

    def sql(self, *statements, database: str = DATABASE) -> str:
        """Runs statements, each in a transaction of its own; what they print."""
        commands = [part for statement in statements for part in ("--command", statement)]
        run = measure.run(self.psql(*commands), {**self.environment, "PGDATABASE": database})
        return run.output.strip()

    def reset(self) -> None:
        """An empty database, nothing left to write from the one before: every round starts
        alike."""
        self.sql(
            f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)", f"CREATE DATABASE {DATABASE}",
            "CHECKPOINT", database="postgres",
        )  # fmt: skip

    def settle(self) -> None:
        """What a quiet night does to a loaded table."""
        self.sql("VACUUM (ANALYZE)", "CHECKPOINT")

    def _create(self) -> None:
        passwords = self.folder / "password"
        passwords.write_text(self.password)
        if self.owner:
            shutil.chown(passwords, self.owner)
        self._said(
            "initdb", "--pgdata", self.folder / "data", "--username", USER,
            "--pwfile", passwords, "--auth", "scram-sha-256",
            # The same order of keys on every machine.
            "--encoding", "UTF8", "--locale", "C.UTF-8",
        )  # fmt: skip
        passwords.unlink()

    def _start(self) -> None:
        settings = {
            **SETTINGS,
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        log = self.folder / "log"
        with open(log, "wb") as output:
            self.server = self._popen("postgres", "-D", self.folder / "data", *options, out=output)
        deadline = time.monotonic() + 60
        while not self._answers():
            if self.server.poll() is not None or time.monotonic() > deadline:
                raise measure.BenchError(f"PostgreSQL did not start: {log.read_text()[-600:]}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            self.sql("SELECT", database="postgres")
            return True
        except measure.BenchError:
            return False

    def _popen(self, program: str, *arguments, out) -> subprocess.Popen:
        rights = {"user": self.owner, "group": self.owner, "extra_groups": []} if self.owner else {}
        return subprocess.Popen(
            [str(self.binaries / program), *map(str, arguments)],
            # Its owner may be unable to enter the folder that the bench was started in.
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd="/", **rights,
        )  # fmt: skip

    def _said(self, program: str, *arguments) -> str:
        child = self._popen(program, *arguments, out=subprocess.PIPE)
        output = child.communicate()[0].decode(errors="replace")
        if child.returncode:
            raise measure.BenchError(f"{program} ended with {child.returncode}: {output[-600:]}")
        return output


def find_binaries() -> Path:
    """The folder of the server's programs: PostgreSQL 15 if there is one, as the targets are made
    for it, else the one on the path or the newest."""
    debian = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=version_in)
    preferred = [path for path in debian if version_in(path) == 15]
    for path in [*preferred, shutil.which("initdb"), *reversed(debian)]:
        if path:
            return Path(path).resolve().parent
    raise measure.BenchError("no PostgreSQL server here: install one (Debian: postgresql)")


def version_in(path: str) -> int:
    found = re.search(r"/postgresql/(\d+)/", path)
    return int(found[1]) if found else 0


def account_of(name: str):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise measure.BenchError(
            f"no user {name} to run PostgreSQL as, which refuses root"
        ) from None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
