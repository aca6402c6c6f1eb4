"""ceas_ray: a parallel simulator of distributed quantum learning over a quantum internet."""

from pathlib import Path

from ceas_ray.kernel.compiled_code import keep_compiled_code

keep_compiled_code(Path(__file__).parent)
