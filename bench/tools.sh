#!/bin/sh
# The programs that the benchmark runs beside ours, from Debian's packages: installed if we may, named if not.
set -u
missing=""
command -v setpriv >/dev/null || missing="$missing util-linux"
[ -x /usr/sbin/nginx ] || missing="$missing nginx"
[ -e /usr/lib/nginx/modules/ngx_http_echo_module.so ] || missing="$missing libnginx-mod-http-echo"
command -v prometheus-blackbox-exporter >/dev/null || missing="$missing prometheus-blackbox-exporter"
command -v prometheus >/dev/null || missing="$missing prometheus"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >/dev/null && exit 0
fi
echo "The benchmark needs these Debian packages:$missing" >&2
echo "Install them: sudo apt-get install$missing" >&2
exit 1
