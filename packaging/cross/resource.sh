#!/bin/sh
# resource.sh VERSION: prints the version resource of b2auth.dll, which Windows shows among the file's properties.
set -eu
version=$1
numbers=$(printf '%s' "${version%%-*}" | tr . ,),0
cat <<RC
1 VERSIONINFO
FILEVERSION $numbers
PRODUCTVERSION $numbers
FILEOS 0x40004
FILETYPE 0x2
BEGIN
    BLOCK "StringFileInfo"
    BEGIN
        BLOCK "040904B0"
        BEGIN
            VALUE "FileDescription", "From a Backblaze B2 application key to a cached session"
            VALUE "FileVersion", "$version"
            VALUE "InternalName", "b2auth"
            VALUE "LegalCopyright", "MIT or Apache-2.0"
            VALUE "OriginalFilename", "b2auth.dll"
            VALUE "ProductName", "b2auth"
            VALUE "ProductVersion", "$version"
        END
    END
    BLOCK "VarFileInfo"
    BEGIN
        VALUE "Translation", 0x409, 1200
    END
END
RC
