"""A server process on a data folder that goes with it, and the command line against it."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

BINARY = os.environ["LAKEWARDEN_BIN"]


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Server:
    def __init__(self):
        self.home = Path(tempfile.mkdtemp(prefix="lakewarden-interop-"))
        self.data = self.home / "data"
        self.port = free_port()
        self.log = open(self.home / "log", "w")
        command = [BINARY, "serve", "--data-dir", str(self.data), "--listen", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env={"HOME": str(self.home)})
        try:
            self.wait()
        except BaseException:
            self.process.kill()
            raise
        self.admin = (self.data / "admin.token").read_text().strip()

    def wait(self):
        for _ in range(600):
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended: {(self.home / 'log').read_text()}")
            try:
                if self.get("/readyz")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise RuntimeError("the server does not answer")

    @property
    def uri(self):
        return f"grpc://127.0.0.1:{self.port}"

    def get(self, path, token=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        if token is not None:
            request.add_header("authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def cli(self, *arguments):
        """Runs a command as the administrator and gives what it prints."""
        environment = {
            "HOME": str(self.home),
            "LAKEWARDEN_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "LAKEWARDEN_TOKEN": self.admin,
        }
        done = subprocess.run([BINARY, *arguments], env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout.strip()

    def stop(self):
        """Stops it as a supervisor would, and says with what code it ended."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        shutil.rmtree(self.home)
        return code

    def discard(self):
        """For the end of a failed run: shows the log and leaves nothing running."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.home.exists():
            print((self.home / "log").read_text()[-4000:])
            shutil.rmtree(self.home, ignore_errors=True)
