"""The SFTP clients that submitters use: OpenSSH's sftp, and lftp."""

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
_SECONDS = 120


@dataclass(frozen=True)
class Client:
    """Runs the clients against one front; batches stop at the first command that fails."""

    folder: Path
    host: str
    port: int
    key: Path

    @property
    def options(self) -> list[str]:
        settings = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "IdentitiesOnly=yes")
        return ["-F", "none", *(word for setting in settings for word in ("-o", setting)), "-i", str(self.key)]

    def sftp(self, user: str, *commands: str) -> subprocess.CompletedProcess[str]:
        """Run a batch by OpenSSH's sftp."""
        return _run(self._sftp_command(user), self.folder, given="\n".join(commands) + "\n")

    def start_sftp(self, user: str, *commands: str, options: tuple[str, ...] = ()) -> "subprocess.Popen[str]":
        """Start a batch by OpenSSH's sftp, to be killed."""
        process = subprocess.Popen(
            self._sftp_command(user, *options),
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdin is not None
        process.stdin.write("\n".join(commands) + "\n")
        process.stdin.close()
        return process

    def sftp_by_password(self, user: str, password: str, *commands: str) -> subprocess.CompletedProcess[str]:
        """Run a batch by OpenSSH's sftp that logs in by password alone."""
        asker = self.folder / "askpass"
        asker.write_text(f"#!/bin/sh\necho '{password}'\n", encoding="ascii")
        asker.chmod(0o700)
        batch = self.folder / "batch"
        batch.write_text("\n".join(commands) + "\n", encoding="utf-8")
        only = ["-o", "BatchMode=no", "-o", "PreferredAuthentications=password", "-o", "NumberOfPasswordPrompts=1"]
        command = ["sftp", *self.options[:-2], *only, "-b", str(batch), "-P", str(self.port), f"{user}@{self.host}"]
        # the first of two settings counts, and -b sets BatchMode by itself
        return _run(command, self.folder, SSH_ASKPASS=str(asker), SSH_ASKPASS_REQUIRE="force")

    def ssh(self, user: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Ask for a command, or a shell."""
        return _run(["ssh", *self.options, "-p", str(self.port), f"{user}@{self.host}", *command], self.folder)

    def lftp(self, user: str, *commands: str) -> subprocess.CompletedProcess[str]:
        """Run lftp."""
        program = " ".join(["ssh", "-a", "-x", *self.options])
        settings = [
            f'set sftp:connect-program "{program}"',
            "set net:max-retries 1",
            "set net:timeout 20",
            "set cmd:fail-exit yes",
            f"open -u {user},unused -p {self.port} sftp://{self.host}",
        ]
        return _run(["lftp", "-c", "; ".join([*settings, *commands])], self.folder)

    def _sftp_command(self, user: str, *options: str) -> list[str]:
        return ["sftp", *options, *self.options, "-b", "-", "-P", str(self.port), f"{user}@{self.host}"]


def _run(
    command: list[str], folder: Path, given: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8", **environment},
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def done(run: subprocess.CompletedProcess[str]) -> str:
    """Return what a client printed; it must have succeeded."""
    assert run.returncode == 0, run.stderr + run.stdout
    return run.stdout


def failed(run: subprocess.CompletedProcess[str]) -> str:
    """Return what a client printed; it must have failed."""
    assert run.returncode != 0, run.stdout
    return run.stderr + run.stdout


def write(folder: Path, name: str, size: int, seed: int = 1) -> str:
    """Write a file that no two seeds share, and return its SHA-256."""
    content = hashlib.shake_128(bytes([seed])).digest(size)
    (folder / name).write_bytes(content)
    return hashlib.sha256(content).hexdigest()
