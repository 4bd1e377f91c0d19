#!/bin/sh
# Installs Debian or Ubuntu packages as root without letting them start their services: while it runs, policy-rc.d
# answers 101 (invoke-rc.d(8)). What was there before is put back, also after a failure.
set -eu

policy=${POLICY_RC_D:-/usr/sbin/policy-rc.d}
kept=$(mktemp -d)

restore() {
    rm -f "$policy"
    if [ -e "$kept/policy-rc.d" ]; then
        cp -p "$kept/policy-rc.d" "$policy"
    fi
    rm -rf "$kept"
}

trap restore EXIT
trap 'exit 130' INT TERM HUP

if [ -e "$policy" ]; then
    cp -p "$policy" "$kept/policy-rc.d"
fi
rm -f "$policy"
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

export DEBIAN_FRONTEND=noninteractive
apt-get -q -o DPkg::Lock::Timeout=300 update
apt-get -q -o DPkg::Lock::Timeout=300 install --no-install-recommends -y "$@"

# Nor at the next boot: these packages were not here before, so nobody else has asked for their services.
if [ -d /run/systemd/system ]; then
    units=$(dpkg -L "$@" | sed -n 's,^\(/usr\)\{0,1\}/lib/systemd/system/,,p')
    for unit in "$@" $units; do
        systemctl disable --quiet "$unit" 2>/dev/null || true
    done
fi
