"""Compiles the hot paths; everything else about the package stands in pyproject.toml.

The extensions are optional: without a C compiler the same files run as Python. AGIO_UNCOMPILED=1
skips them, which lets the Makefile install first and compile after, with its output in view.
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

sys.path.insert(0, str(Path(__file__).parent))
from agio import hot_paths


def extensions() -> list[Extension]:
    if os.environ.get("AGIO_UNCOMPILED"):
        return []
    modules = [
        Extension(
            name,
            [str(hot_paths.source_path(name).relative_to(hot_paths.ROOT))],
            # Nobody steps through the C; without what that needs it compiles a fifth faster.
            extra_compile_args=["-O3", "-g0"],
        )
        for name in hot_paths.present_modules()
    ]
    compiled = list(
        cythonize(  # type: ignore[no-untyped-call]
            modules,
            build_dir="build/cython",
            compiler_directives={
                "language_level": "3",
                # The C types stand in the .pxd files; the annotations are for readers and mypy.
                "annotation_typing": False,
                # Sizes are checked once per command and once per event, in Python's own terms.
                "boundscheck": False,
                "initializedcheck": False,
                "cdivision": True,
            },
        )
    )
    for extension in compiled:
        extension.optional = True  # which cythonize would not pass on
    return compiled


setup(
    ext_modules=extensions(),
    options={"build_ext": {"parallel": os.cpu_count()}},
)
