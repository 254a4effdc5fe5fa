"""The Conan recipe: `conan create packaging/conan` builds the library with Cargo, from the source that it lies in."""

import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.files import copy, load


class B2authConan(ConanFile):
    name = "b2auth"
    description = "From a Backblaze B2 application key to a cached session"
    license = "MIT OR Apache-2.0"
    topics = ("backblaze", "b2", "authorization")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False]}
    default_options = {"shared": True}
    # Cargo builds one library for all of them.
    no_copy_source = True

    def set_version(self):
        manifest = load(self, os.path.join(self.recipe_folder, "..", "..", "Cargo.toml"))
        self.version = re.search(r'^version = "(.*)"', manifest, re.MULTILINE).group(1)

    def layout(self):
        # The sources are two folders up; what Conan generates stays out of them.
        self.folders.root = os.path.join("..", "..")
        self.folders.source = "."
        self.folders.build = os.path.join("target", "conan")
        self.folders.generators = os.path.join("target", "conan")

    def export_sources(self):
        source = os.path.join(self.recipe_folder, "..", "..")
        for pattern in (
            "Cargo.*", "build.rs", "Makefile", "README.md", "CHANGELOG.md", "LICENSE-*", "src/*", "include/*", "cli/*",
            "docs/man/*", "packaging/*", "tests/sandbox/*", ".cargo/*",
            # Cargo wants every test that the manifest names.
            "tests/rust_host.rs", "tests/abi/main.rs", "tests/stress/main.rs",
        ):
            copy(self, pattern, source, self.export_sources_folder)

    def validate(self):
        if self.settings.os not in ("Linux", "FreeBSD", "Macos"):
            raise ConanInvalidConfiguration("for Windows take a release: its recipe is packaging/cross/build.sh")

    def package_id(self):
        # A library with a C interface: whatever compiler a user has, and however it is set, can link it.
        del self.info.settings.compiler
        del self.info.settings.build_type

    def build(self):
        self.run("make lib", cwd=self.source_folder, env=None)

    def package(self):
        self.run(f"make install DESTDIR= PREFIX='{self.package_folder}' LIBDIR=lib", cwd=self.source_folder, env=None)
        lib = os.path.join(self.package_folder, "lib")
        for file in os.listdir(lib):
            is_archive = file.endswith(".a")
            if os.path.isfile(os.path.join(lib, file)) and is_archive == bool(self.options.shared):
                os.remove(os.path.join(lib, file))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "b2auth")
        self.cpp_info.set_property("cmake_target_name", "b2auth::b2auth" if self.options.shared else "b2auth::static")
        self.cpp_info.set_property("pkg_config_name", "b2auth")
        self.cpp_info.libs = ["b2auth"]
        if not self.options.shared:
            text = load(self, os.path.join(self.package_folder, "lib", "pkgconfig", "b2auth.pc"))
            private = re.search(r"^Libs.private: (.*)$", text, re.MULTILINE).group(1).split()
            self.cpp_info.system_libs = [flag[2:] for flag in private if flag.startswith("-l")]
