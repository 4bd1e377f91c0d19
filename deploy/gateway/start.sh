#!/bin/sh
# In a container: fills in the template and becomes nginx.
set -eu
names=''
for name in GATEWAY_LISTEN GATEWAY_STATE GATEWAY_RESOLVER GATEWAY_RESOLVE DEVICE_MANAGEMENT OTA_SERVICE MONITORING; do
    names="$names \${$name}"
done
envsubst "$names" </etc/muster/nginx.conf.template >"$GATEWAY_STATE/nginx.conf"
exec nginx -e stderr -c "$GATEWAY_STATE/nginx.conf" -g 'daemon off;'
