# Sourced by ./run, ./test and bench/run: installs packages and builds. Each step leaves a stamp and is skipped while it holds.
root=$(pwd)
mkdir -p build
say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }

# install_packages SECTION…: the Debian packages of packages.txt that are missing.
install_packages() {
  local missing=() package
  for package in $(awk -v want=" $* " '!/^#/ && index(want, " " $1 " ") {print $2}' packages.txt); do
    case $package in
      # A node that came from elsewhere does: Debian's would conflict with it.
      nodejs | npm) command -v node >/dev/null && command -v npm >/dev/null && continue ;;
    esac
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  say "installing ${#missing[@]} packages: ${missing[*]}"
  local sudo=
  [ "$(id -u)" -eq 0 ] || sudo=sudo
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo -E apt-get install -y -qq --no-install-recommends "${missing[@]}" >build/apt.log 2>&1 ||
    { tail -20 build/apt.log >&2; return 1; }
}

# npm_install DIR: node_modules from the lock file, when that changed.
npm_install() {
  local stamp=$1/node_modules/.stamp
  [ -e "$stamp" ] && cmp -s "$1/package-lock.json" "$stamp" && return
  say "npm packages of $1"
  (cd "$1" && npm ci --no-audit --no-fund --loglevel=error >"$root/build/npm.log" 2>&1) || { tail -20 build/npm.log >&2; return 1; }
  cp "$1/package-lock.json" "$stamp"
}

# sum DIR…: a hash of all files that count, to see whether a page must be built again.
sum() { find "$@" \( -name node_modules -o -name dist \) -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum; }

configure() {
  [ -e build/build.ninja ] || meson setup build --buildtype=debugoptimized >build/meson.log 2>&1 || { tail -30 build/meson.log >&2; return 1; }
}

ninja_build() { # TARGET…: quiet, but for what went wrong
  ninja -C build "$@" >build/ninja.log 2>&1 || { grep -A5 -E 'error|FAILED' build/ninja.log >&2; tail -5 build/ninja.log >&2; return 1; }
}

# build_page NAME FILE…: npm run build in web/NAME when it, or one of the files, changed.
build_page() {
  local page=$1 now
  shift
  npm_install "web/$page"
  now=$(sum "web/$page" "$@")
  [ -d "web/$page/dist" ] && [ "$(cat "build/$page.sum" 2>/dev/null)" = "$now" ] && return
  say "building web/$page"
  (cd "web/$page" && npm run build >"$root/build/$page.log" 2>&1) || { tail -30 "build/$page.log" >&2; return 1; }
  echo "$now" >"build/$page.sum"
  touch build/pages.changed
}

# The console needs the OpenAPI document, which the program prints; the program embeds the pages. So: program, pages, program.
build_pages() {
  [ ! -d web/widget ] || build_page widget
  [ -d web/console ] || return 0
  configure
  ninja_build yingda
  ./build/yingda openapi >build/openapi.json.new
  cmp -s build/openapi.json.new build/openapi.json || mv build/openapi.json.new build/openapi.json
  build_page console build/openapi.json
}

build_program() {
  configure
  if [ build/pages.changed -nt build/build.ninja ]; then
    meson setup --reconfigure build >build/meson.log 2>&1 || { tail -30 build/meson.log >&2; return 1; }
  fi
  ninja_build
}
