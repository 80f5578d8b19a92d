#!/bin/sh
# The programs that the tests run beside ours, from Debian's packages: installed if we may, named if not.
set -u
missing=""
command -v prometheus >/dev/null && command -v promtool >/dev/null || missing="$missing prometheus"
command -v amtool >/dev/null && command -v prometheus-alertmanager >/dev/null || missing="$missing prometheus-alertmanager"
command -v chromium >/dev/null || missing="$missing chromium"
command -v faketime >/dev/null || missing="$missing faketime"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >/dev/null && exit 0
fi
echo "The tests need these Debian packages:$missing" >&2
echo "Install them: sudo apt-get install$missing" >&2
exit 1
