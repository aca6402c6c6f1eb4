# Sourced by the other scripts: makes .venv from requirements.lock where it is missing or out of date.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
wanted=$(cat "$root/requirements.lock" "$root/pyproject.toml" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$root/.venv/.made-from" 2>/dev/null)" != "$wanted" ]; then
    exec python3 "$root/scripts/environment.py" "$root" "$wanted" "$0" "$@" # which then starts this script again
fi
