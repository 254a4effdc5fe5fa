#!/bin/sh
# snippets.sh PAGE LANGUAGE DIRECTORY: writes each block of that language in a Markdown page to 1.LANGUAGE, 2.LANGUAGE, …
# in the directory, and a text block that stands right behind one, as what it prints, to 1.text, 2.text, …
set -eu
mkdir -p "$3"
awk -v language="$2" -v directory="$3" '
    $0 == "```" language { file = directory "/" ++count "." language; after = 0; next }
    $0 == "```text" && after { file = directory "/" count ".text"; next }
    /^```/ { if (file != "") { close(file); after = file ~ language "$" } file = ""; next }
    file != "" { print >file }
    file == "" && !/^$/ { after = 0 }
    END { if (!count) exit 1 }' "$1" || { echo "snippets.sh: $1 has no block of $2" >&2; exit 1; }
