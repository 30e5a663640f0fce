# Sourced by demo.sh and test.sh: one virtual environment with pinned packages.
# Works from any folder that holds pyproject.toml; makes .venv once and brings it
# up to date when pyproject.toml or constraints.txt change.

PYTHON=".venv/bin/python"

find_python() {
  for name in python3.11 python3.12 python3.13 python3; do
    if command -v "$name" >/dev/null 2>&1 \
      && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
      echo "$name"
      return
    fi
  done
  echo "medlens needs Python 3.11 or newer; install the package python3" >&2
  return 1
}

# Debian keeps venv in a package of its own.
need_venv_module() {
  "$1" -c 'import ensurepip, venv' 2>/dev/null && return
  install_debian "python3-venv" || {
    echo "medlens needs Python's venv module; install the package python3-venv" >&2
    return 1
  }
}

# Install Debian packages where we may, else name them.
install_debian() {
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq >/dev/null 2>&1 || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
  else
    echo "Please install these system packages and repeat: $*" >&2
    echo "  sudo apt-get install $*" >&2
    return 1
  fi
}

make_venv() {
  extras="$1"
  stamp=".venv/medlens-$(echo "$extras" | tr ',' '-').stamp"
  wanted="$(cat pyproject.toml constraints.txt | cksum)"
  if [ -x "$PYTHON" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    return
  fi
  base="$(find_python)"
  need_venv_module "$base"
  if [ ! -x "$PYTHON" ] || ! "$PYTHON" -c 'import pip' 2>/dev/null; then
    echo "Making the virtual environment .venv"
    rm -rf .venv
    "$base" -m venv .venv
  fi
  echo "Installing pinned packages ($extras); the first time takes some minutes"
  "$PYTHON" -m pip install --quiet --disable-pip-version-check \
    --constraint constraints.txt --editable ".[$extras]"
  echo "$wanted" > "$stamp"
}
