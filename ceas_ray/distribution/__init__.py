"""How processors share a circuit: who holds which qubit, who does which gate, and which Bell pairs that takes."""
