#!/bin/sh
# Installs what the tests need and this machine lacks: a server, a browser and
# the clients that have to get on with our certificates. Where it may not
# install, it prints the command that would, and lets the tests fail with it.
set -u

packages=
need() { # need PACKAGES TEST-COMMAND...
	wanted=$1
	shift
	"$@" >/dev/null 2>&1 || packages="$packages $wanted"
}
any() { for file in "$@"; do [ -e "$file" ] && return; done; return 1; }

need postgresql any /usr/lib/postgresql/*/bin/initdb
need chromium command -v chromium
need fonts-liberation any /usr/share/fonts/truetype/liberation*/*.ttf
need fonts-noto-cjk any /usr/share/fonts/opentype/noto/NotoSansCJK-*.ttc
need gnutls-bin command -v certtool
need libnss3-tools command -v certutil
need openssl command -v openssl
need curl command -v curl
need "samba-ad-dc samba-ad-provision winbind ldb-tools krb5-user python3-markdown python3-cryptography python3-dnspython" any /usr/sbin/samba
need python3-cryptography /usr/bin/python3 -c "import cryptography"
need mypy command -v mypy
need nodejs command -v node
need npm command -v npm
need "python3-authlib python3-requests" /usr/bin/python3 -c "import authlib, requests"
# Valkey where the distribution has it, else Redis.
redis=redis-server
apt-cache show valkey-server >/dev/null 2>&1 && redis=valkey-server
need "$redis" any /usr/bin/valkey-server /usr/bin/redis-server
need nginx-light any /usr/sbin/nginx
need systemd command -v systemd-analyze
need "gcc libc6-dev" command -v gcc # the race detector needs cgo
[ -n "$packages" ] || exit 0

install="apt-get update && apt-get install -y --no-install-recommends$packages"
say() { echo "scripts/need.sh: $*" >&2; }
if ! command -v apt-get >/dev/null; then
	say "missing:$packages; this is no Debian: install them by your own means"
elif [ "$(id -u)" -eq 0 ]; then
	as_root=
elif sudo -n true 2>/dev/null; then
	as_root="sudo -n"
else
	say "missing, and installing needs root: sudo sh -c '$install'"
	exit 0
fi
[ -n "${as_root+set}" ] || exit 0

say "installing$packages"
log=$(mktemp)
if $as_root env DEBIAN_FRONTEND=noninteractive sh -c "$install" >"$log" 2>&1; then
	rm -f "$log"
else
	tail -n 5 "$log" >&2
	say "could not install (all of it is in $log); by hand: $install"
fi
