# Runs a PostgreSQL server in a folder of its own while standard input is open, and then removes the
# folder. The system closes standard input also when the process at its other end is killed.
#
#     sh -c "$(cat supervise.sh)" sh FOLDER PROGRAMS
#
# It prints "ready" once the server takes connections, or else the reason why it does not.

folder=$1
programs=$2
cd "$folder" || exit 1
trap 'cd / && rm -rf "$folder"' EXIT

cluster() {
  "$programs/initdb" --pgdata=data --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync "$@"
}

# Text sorts as people sort it, not by its bytes, as on most servers. Programs without ICU cannot do
# that.
if { cluster --locale-provider=icu --icu-locale=en || cluster; } >log 2>&1 </dev/null &&
  "$programs/pg_ctl" start --wait --pgdata=data --log=log --options='-k . -p 5432 -c listen_addresses=' >>log 2>&1 </dev/null; then
  echo ready
  exec >/dev/null
  read -r _
else
  cat log
fi
"$programs/pg_ctl" stop --wait --pgdata=data --mode=fast >/dev/null 2>&1 || "$programs/pg_ctl" stop --pgdata=data --mode=immediate >/dev/null 2>&1
