"""What the tests of contrib/ share: where the programs are, how a run is reported."""

import glob
import os
import shutil
import subprocess
import sys
import tempfile
import traceback

CONTRIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../contrib")
TOOLS = os.environ.get("ASSAY_TOOLS", "")  # packages unpacked there
SKIPPED = 77  # automake's word for it


def find(name):
    """The program's path, or the end of this test as skipped."""
    for folder in (TOOLS + "/usr/sbin", TOOLS + "/usr/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"):
        if os.access(os.path.join(folder, name), os.X_OK):
            return os.path.join(folder, name)
    print(f"skipped: there is no {name} here")
    sys.exit(SKIPPED)


def environment():
    libraries = glob.glob(TOOLS + "/usr/lib/*-linux-gnu") if TOOLS else []
    more = {"LD_LIBRARY_PATH": ":".join(libraries), "PYTHONPATH": TOOLS + "/usr/lib/python3/dist-packages"} if TOOLS else {}
    return {**os.environ, "LC_ALL": "C", **more}


def run(*command, status=0, **more):
    """What it says, both outputs; an AssertionError when it ends otherwise."""
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=120,
                          env=environment(), **more)
    assert status is None or done.returncode == status, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def contrib(name):
    with open(os.path.join(CONTRIB, name), encoding="utf-8") as f:
        return f.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def main(tests):
    """Each test gets a folder of its own."""
    failed = 0
    for test in tests:
        folder = tempfile.mkdtemp(prefix="assay-contrib.")
        os.chmod(folder, 0o755)
        try:
            test(folder)
            print(f"ok    {test.__name__}", flush=True)
        except Exception:  # any failure of a test is a failed test
            failed += 1
            print(f"FAIL  {test.__name__}\n{traceback.format_exc()}", flush=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failed else 0)
