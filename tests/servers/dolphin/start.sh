#!/usr/bin/env bash
# A real DolphinScheduler server (api, master, worker and alert in one process) for tests.
#
#   start.sh [--version V] [--daemon] DATA_DIR [PORT]   start; prints the URL when it is healthy
#   start.sh --stop DATA_DIR                            stop the server of that data folder
#   start.sh [--version V] --fetch                      only download the server's libraries
#   start.sh [--version V] --warm                       once after --fetch, optional: a class archive
#                                                       that makes every later start faster
#
# In the foreground (default) it stops cleanly on SIGTERM or SIGINT. With --daemon it returns once
# the server is healthy. Either way DATA_DIR/server.pid holds the server's process id while it runs.
# DATA_DIR keeps the database: starting it again continues with what is there.
# Ports PORT (REST, loopback), PORT+1 (master), PORT+2 (worker) and PORT+3 (alert) must be free.
# Environment: DOLPHIN_LIB (library folder), DOLPHIN_MAX_HEAP (1g), DOLPHIN_WAIT (seconds, 180), JAVA_HOME.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=3.1.1 mode=foreground
args=()
while (($#)); do
  case $1 in
    --version) version=$2; shift ;;
    --daemon) mode=daemon ;;
    --stop) mode=stop ;;
    --fetch) mode=fetch ;;
    --warm) mode=warm ;;
    -h|--help) sed -n '2,16s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "unknown option $1" >&2; exit 2 ;;
    *) args+=("$1") ;;
  esac
  shift
done
set -- ${args[@]+"${args[@]}"}

if [[ $version != 3.1.1 ]]; then
  echo "DolphinScheduler $version: its server is not published as a whole; only 3.1.1 is" >&2
  exit 2
fi
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
lib=${DOLPHIN_LIB:-${XDG_CACHE_HOME:-$HOME/.cache}/dolphin-server/$version}
# what is made of our own files is kept under their contents, so that checkouts share a cache
mark=$(cat "$here"/conf/* "$here/SchemaGen.java" | sha256sum | cut -c1-12)

stop_pid() { # end one process: politely, then not
  kill "$1" 2>/dev/null || return 0
  for _ in $(seq 300); do
    kill -0 "$1" 2>/dev/null || return 0
    sleep 0.2
  done
  kill -9 "$1" 2>/dev/null || true
}

running() { # is the recorded process alive, and this data folder's server?
  [[ -f $pidfile ]] && grep -qzxF -- "-Dds.data=$data" "/proc/$(<"$pidfile")/cmdline" 2>/dev/null
}

fetch() {
  [[ -f $lib/.complete ]] && return 0
  mkdir -p "$lib"
  exec 8>"$lib/.lock"
  flock 8 # one at a time on this machine
  [[ -f $lib/.complete ]] && return 0
  echo "downloading DolphinScheduler $version" >&2
  mvn -q -B -Dstyle.color=never -f "$here/pom.xml" -Dds.version="$version" dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$lib" >&2
  touch "$lib/.complete"
  exec 8>&-
}

if [[ $mode == fetch ]]; then
  fetch
  exit 0
fi
archive=()
if [[ $mode == warm ]]; then # run once on a throwaway folder, writing the archive as it ends
  fetch
  exec 9>"$lib/.lock"
  flock 9
  [[ -f $lib/.classes-$mark.jsa ]] && exit 0
  scratch=$(mktemp -d)
  DOLPHIN_ARCHIVE=1 "$0" --version "$version" --daemon "$scratch" "${1:-23990}" >&2 9>&-
  "$0" --stop "$scratch"
  rm -rf "$scratch"
  [[ -f $lib/.classes-$mark.jsa ]] || { echo "no class archive was written" >&2; exit 1; }
  exit 0
fi
(($#)) || { sed -n '2,16s/^# \{0,1\}//p' "$0" >&2; exit 2; }
mkdir -p "$1"
data=$(cd "$1" && pwd)
port=${2:-12345}
pidfile=$data/server.pid

if [[ $mode == stop ]]; then
  if running; then stop_pid "$(<"$pidfile")"; else echo "no server runs on $data" >&2; fi
  rm -f "$pidfile"
  exit 0
fi
if running; then
  echo "a server already runs on $data (process $(<"$pidfile"))" >&2
  exit 1
fi

fetch
init=never
if [[ ! -f $data/db.mv.db ]]; then
  init=always
  schema=$lib/.schema-$mark.sql
  if [[ ! -f $schema ]]; then
    "$java" -cp "$lib/*" "$here/SchemaGen.java" "$version" "$schema.$$" >/dev/null
    mv "$schema.$$" "$schema"
  fi
  cp "$schema" "$data/schema.sql"
fi
mkdir -p "$data/tmp" "$data/tasks"

# our configuration as a jar, first on the class path (a class archive takes no folder there)
conf=$lib/.conf-$mark.jar
if [[ ! -f $conf ]]; then
  (cd "$here/conf" && python3 -m zipfile -c "$conf.$$" ./*)
  mv "$conf.$$" "$conf"
fi
classpath=$conf$(printf ':%s' "$lib"/*.jar)
if [[ ${DOLPHIN_ARCHIVE:-} ]]; then
  archive=(-XX:ArchiveClassesAtExit="$lib/.classes-$mark.jsa")
elif [[ -f $lib/.classes-$mark.jsa ]]; then
  archive=(-XX:SharedArchiveFile="$lib/.classes-$mark.jsa")
fi

url=http://127.0.0.1:$port/dolphinscheduler
cd "$data"
# C1 and the serial collector: half the start time and memory of the defaults, at two cores
export PYTHON_HOME=${PYTHON_HOME:-$(command -v python3)} # what a PYTHON task runs
command=("$java" --add-opens java.base/java.lang=ALL-UNNAMED -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx"${DOLPHIN_MAX_HEAP:-1g}"
  ${archive[@]+"${archive[@]}"}
  -Duser.timezone=UTC -Dfile.encoding=UTF-8 -Djava.io.tmpdir="$data/tmp"
  -Dds.data="$data" -Dds.schema="$data/schema.sql" -Dds.init=$init -Dds.port="$port"
  -Dds.master.port=$((port + 1)) -Dds.worker.port=$((port + 2)) -Dds.alert.port=$((port + 3))
  -Ddata.basedir.path="$data/tasks"
  -cp "$classpath" org.apache.dolphinscheduler.StandaloneServer)
if [[ $mode == daemon ]]; then
  setsid "${command[@]}" >"$data/out.log" 2>&1 </dev/null &
else
  "${command[@]}" >"$data/out.log" 2>&1 </dev/null &
fi
pid=$!
echo "$pid" >"$pidfile"
trap 'stop_pid $pid; rm -f "$pidfile"; exit 0' TERM INT

healthy() {
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null &&
    python3 - "$url/actuator/health" <<'P' 2>/dev/null
import sys, urllib.request
sys.exit(urllib.request.urlopen(sys.argv[1], timeout=5).status != 200)
P
}
deadline=$((SECONDS + ${DOLPHIN_WAIT:-180}))
until healthy; do
  if ! kill -0 "$pid" 2>/dev/null || ((SECONDS > deadline)); then
    echo "the server did not become healthy; see $data/server.log and $data/out.log" >&2
    tail -n 20 "$data/out.log" "$data/server.log" >&2 || true
    stop_pid "$pid"
    rm -f "$pidfile"
    exit 1
  fi
  sleep 0.5
done
echo "$url"
[[ $mode == daemon ]] && exit 0
wait "$pid" || true
rm -f "$pidfile"
