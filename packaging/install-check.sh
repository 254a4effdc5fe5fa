#!/bin/sh
# install-check.sh DESTDIR PREFIX LIBDIR: says in one line why `make install` can't work there, before it writes anything.
set -eu
destdir=$1 prefix=$2 libdir=$3

refuse() {
    echo "make install: $1" >&2
    exit 1
}

case $prefix in
    /*) ;;
    *) refuse "PREFIX must be an absolute path, not '$prefix'" ;;
esac
case /$libdir/ in
    // | ///* | *//* | */./* | */../*) refuse "LIBDIR must be a folder below PREFIX, such as lib or lib64, not '$libdir'" ;;
esac
case $destdir$prefix$libdir in
    *[!A-Za-z0-9_./+:@%~,=-]*) refuse "DESTDIR, PREFIX and LIBDIR may hold no blanks or characters special to a shell" ;;
esac

# What is not there yet is made in the nearest folder that is.
folder=$destdir$prefix
while [ ! -e "$folder" ]; do folder=$(dirname "$folder"); done
[ -d "$folder" ] || refuse "$folder is not a folder"
[ -w "$folder" ] || refuse "$folder can't be written to: run it as root (sudo make install), or set PREFIX"
