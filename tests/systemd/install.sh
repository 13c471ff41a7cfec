# Installs the stand-in engine inside the container, from the files beside this script.
set -eu
from=$(dirname "$0")
to=/opt/kerio/mailserver
id kerio >/dev/null 2>&1 || useradd --system --no-create-home kerio
mkdir -p "$to/store/logs"
cp /usr/bin/perl "$to/mailserver"
cp "$from/engine.pl" "$to/engine.pl"
cp "$from/mailserver.cfg" "$to/mailserver.cfg"
chown -R kerio:kerio "$to"
chmod 640 "$to/mailserver.cfg"
cp "$from/kerio-connect.service" /etc/systemd/system/kerio-connect.service
systemctl daemon-reload
