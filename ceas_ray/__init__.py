"""ceas_ray: a parallel simulator of distributed quantum learning over a quantum internet."""
