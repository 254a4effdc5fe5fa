# A port for vcpkg, as text: nobody has built it yet. It unpacks a release's tarball, since vcpkg brings no Rust. A release
# fills in the address and the sums.
if(VCPKG_TARGET_IS_WINDOWS)
    set(B2AUTH_TARGET "windows-x86_64")
    set(B2AUTH_ARCHIVE "zip")
    set(B2AUTH_SHA512 "0")
else()
    set(B2AUTH_TARGET "linux-x86_64")
    set(B2AUTH_ARCHIVE "tar.gz")
    set(B2AUTH_SHA512 "0")
endif()

set(VCPKG_POLICY_ONLY_RELEASE_CRT enabled)
set(VCPKG_POLICY_MISMATCHED_NUMBER_OF_BINARIES enabled)

vcpkg_download_distfile(ARCHIVE
    URLS "https://example.org/b2auth/releases/v${VERSION}/b2auth-${VERSION}-${B2AUTH_TARGET}.${B2AUTH_ARCHIVE}"
    FILENAME "b2auth-${VERSION}-${B2AUTH_TARGET}.${B2AUTH_ARCHIVE}"
    SHA512 "${B2AUTH_SHA512}"
)
vcpkg_extract_source_archive(TREE ARCHIVE "${ARCHIVE}")

file(INSTALL "${TREE}/include/" DESTINATION "${CURRENT_PACKAGES_DIR}/include")
file(INSTALL "${TREE}/lib/" DESTINATION "${CURRENT_PACKAGES_DIR}/lib")
if(VCPKG_LIBRARY_LINKAGE STREQUAL "static")
    file(GLOB SHARED "${CURRENT_PACKAGES_DIR}/lib/libb2auth.so*" "${CURRENT_PACKAGES_DIR}/lib/*.dll.a")
    file(REMOVE ${SHARED})
elseif(VCPKG_TARGET_IS_WINDOWS)
    file(INSTALL "${TREE}/bin/" DESTINATION "${CURRENT_PACKAGES_DIR}/bin")
endif()

vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/b2auth)
vcpkg_fixup_pkgconfig()
vcpkg_install_copyright(FILE_LIST "${TREE}/share/doc/b2auth/LICENSE-MIT" "${TREE}/share/doc/b2auth/LICENSE-APACHE"
    "${TREE}/share/doc/b2auth/LICENSES-OF-CRATES.txt")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
