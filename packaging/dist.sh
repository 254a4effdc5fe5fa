#!/usr/bin/env bash
# dist.sh [TARGET…]: builds release archives into target/dist, for every target of packaging/cross/targets.sh or for these,
# with SHA256SUMS. From the same sources and compilers the same bytes come out, wherever they lie.
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/cross/targets.sh
target_dir=${CARGO_TARGET_DIR:-$PWD/target}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
dist=$target_dir/dist
[[ $# != 0 ]] || set -- $RELEASED
# The time of every file: that of the last commit, or of the last one when this was packed.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y Cargo.toml)}

mkdir -p "$dist"
for name in "$@"; do
    packaging/cross/build.sh "$name"
    folder=b2auth-$version-$name
    rm -rf "${dist:?}/$folder" "$dist/$folder".*
    cp -a "$target_dir/cross/$name" "$dist/$folder"
    find "$dist/$folder" -exec touch --no-dereference --date="@$epoch" {} +
    if [[ $name = windows-* ]]; then
        (cd "$dist" && python3 - "$folder" "$epoch" <<'END')
import pathlib, sys, time, zipfile

folder, epoch = sys.argv[1], int(sys.argv[2])
with zipfile.ZipFile(f"{folder}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for path in sorted(path for path in pathlib.Path(folder).rglob("*") if path.is_file()):
        info = zipfile.ZipInfo(path.as_posix(), time.gmtime(epoch)[:6])
        info.external_attr = (0o755 if path.suffix in (".dll", ".exe") else 0o644) << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(info, path.read_bytes())
END
    else
        (cd "$dist" && tar --sort=name --owner=0 --group=0 --numeric-owner --mode=go-w,u+w --format=gnu -cf - "$folder" |
            gzip -n -9 >"$folder.tar.gz")
    fi
    rm -rf "${dist:?}/$folder"
done
(cd "$dist" && sha256sum -- b2auth-*.tar.gz b2auth-*.zip 2>/dev/null >SHA256SUMS || [[ -s SHA256SUMS ]])
cat "$dist/SHA256SUMS"
