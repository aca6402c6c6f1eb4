# Sourced by scripts/run and scripts/test: makes .venv from requirements.lock where it is missing or out of date.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
wanted=$(cat "$root/requirements.lock" "$root/pyproject.toml" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$root/.venv/.made-from" 2>/dev/null)" != "$wanted" ]; then
    echo "Setting up $root/.venv from requirements.lock (a few minutes, once) ..." >&2
    python3 -m venv --clear "$root/.venv"
    "$root/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$root/requirements.lock"
    "$root/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e "$root"
    echo "$wanted" > "$root/.venv/.made-from"
    echo "Environment ready." >&2
fi
