"""Builds the library with cargo, and the extension that has it inside.

The library's sources are those of the repository around this directory; a source distribution brings them along in
`library/`. The extension is compiled for one version of Python: it reads lists and floats directly, which the stable ABI
does not let it do.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

HERE = pathlib.Path(__file__).resolve().parent
PACKED = HERE / "library"
LIBRARY = PACKED if PACKED.exists() else HERE.parent.parent
# What cargo and the extension need of the library.
SOURCES = ["Cargo.toml", "Cargo.lock", "build.rs", "README.md", "LICENSE", "LICENSE-MIT", "LICENSE-APACHE", "src", "include",
           "benches/kernels.rs"]


class BuildWithCargo(build_ext):
    """Builds the static library first."""

    def run(self):
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", LIBRARY / "target")).resolve()
        cargo = os.environ.get("CARGO", "cargo")
        try:
            subprocess.run([cargo, "build", "--release", "--lib", "--quiet", "--target-dir", str(target)], cwd=LIBRARY, check=True)
        except FileNotFoundError:
            sys.exit("Rust is missing: install it with rustup, or set CARGO.")
        archive = target / "release" / "libastensor.a"
        for extension in self.extensions:
            extension.extra_objects = [str(archive)]
            extension.depends.append(str(archive))
        super().run()


class PackWithLibrary(sdist):
    """Puts the library's sources into the distribution."""

    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        for name in SOURCES:
            source, destination = LIBRARY / name, pathlib.Path(base_dir) / "library" / name
            if name.startswith("LICENSE"):
                shutil.copy2(source, pathlib.Path(base_dir) / name)  # Where those who redistribute look.
            destination.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, destination, dirs_exist_ok=True)
            else:
                shutil.copy2(source, destination)


def link_arguments():
    """The extension shows no symbol but its entry, and stays loaded: a deleter may be called at any time."""
    if sys.platform.startswith("linux"):
        return ["-Wl,--exclude-libs,ALL", "-Wl,-z,nodelete", "-Wl,--gc-sections"]
    return []


setup(
    version=re.search(r'^version = "(.*)"$', (LIBRARY / "Cargo.toml").read_text(), re.M)[1],
    cmdclass={"build_ext": BuildWithCargo, "sdist": PackWithLibrary},
    ext_modules=[
        Extension(
            "astensor._core",
            sources=sorted(str(path.relative_to(HERE)) for path in (HERE / "src").glob("*.c")),
            depends=["src/core.h"],
            include_dirs=[str(LIBRARY / "include")],
            libraries=["pthread", "dl", "m"] if sys.platform.startswith("linux") else [],
            extra_compile_args=["-std=c11", "-O2", "-Wall", "-Wextra", "-Wno-missing-field-initializers",
                                "-Wno-cast-function-type", "-fvisibility=hidden"],
            extra_link_args=link_arguments(),
        )
    ],
)
