# Runs a ClickHouse server in a folder of its own while standard input is open, and then removes the
# folder. The system closes standard input also when the process at its other end is killed.
#
#     sh -c "$(cat supervise.sh)" sh FOLDER PROGRAM
#
# If the server ends before that, it prints the reason.

folder=$1
program=$2
cd "$folder" || exit 1
trap 'cd / && rm -rf "$folder"' EXIT

exec 3<&0
"$program" --config-file="$folder/config.xml" >log 2>&1 </dev/null 3<&- &
server=$!
{
  cat
  kill "$server"
} >/dev/null 2>&1 <&3 &
wait "$server"
tail -n 5 log
