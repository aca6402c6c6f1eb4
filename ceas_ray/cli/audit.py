"""Look up known vulnerabilities of the packages in requirements.lock with pip-audit.

usage: scripts/audit [arguments of pip-audit, e.g. --ignore-vuln ID or -s osv]
exit codes: 0 none is known, 1 some are, 2 the audit failed, 3 the vulnerability service cannot be reached from here,
130 interrupted
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ceas_ray.runtime.interruption import answered

CLEAN, VULNERABLE, BROKEN, UNREACHABLE = 0, 1, 2, 3
_LOCK = Path(__file__).resolve().parents[2] / "requirements.lock"
_MAX_SECONDS = 300
_NETWORK = ("connection", "timed out", "timeout", "resolve", "unreachable")


def main(arguments: Sequence[str] | None = None, lock: Path = _LOCK) -> int:
    """Audit the lock file and print the vulnerable packages, or one line where there are none; return the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    return answered(lambda _: _audit(words, lock))


def _audit(words: list[str], lock: Path) -> int:
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--require-hashes", "--disable-pip"]
    options = ["--progress-spinner", "off", "--format", "json", *words]
    try:
        done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=_MAX_SECONDS)
        code, lines = judged(done.stdout, done.stderr)
    except subprocess.TimeoutExpired:
        code, lines = judged("", f"timed out after {_MAX_SECONDS} s")
    print(*lines, sep="\n", file=sys.stdout if code == CLEAN else sys.stderr)
    return code


def judged(report: str, errors: str) -> tuple[int, list[str]]:
    """Return the exit code and the lines to print, from pip-audit's JSON report and its standard error."""
    try:
        packages = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (errors.strip().splitlines() or ["it said nothing"])[-1][:120]
        if any(word in last.lower() for word in _NETWORK):
            return UNREACHABLE, [f"audit: nothing was looked up, the vulnerability service is not reachable: {last}"]
        return BROKEN, [f"audit: pip-audit failed: {last}"]
    found = [(package, flaw) for package in packages for flaw in package.get("vulns", ())]
    if found:
        return VULNERABLE, [
            f"{package['name']} {package['version']}: {flaw['id']}, "
            f"fixed in {', '.join(flaw['fix_versions']) or 'no version'}"
            for package, flaw in found
        ]
    unknown = sum("skip_reason" in package for package in packages)
    if unknown:
        line = f"audit: {unknown} of {len(packages)} packages could not be looked up from here"
        others = "; in the others no vulnerability is known" if unknown < len(packages) else ", so nothing is known"
        return UNREACHABLE, [line + others]
    return CLEAN, [f"audit: no vulnerability is known in {len(packages)} packages"]


if __name__ == "__main__":
    sys.exit(main())
