"""Programs as others write them, in many styles, good and broken: OpenQASM 2 and 3.

Each has a name, its text, and what comes of it: READ if it is a circuit without inputs, which can be distributed;
TRAINED if it has inputs and weights, which can be trained; else a part of the one line that refuses it.
"""

from __future__ import annotations

READ, TRAINED = "read", "trained"

_2 = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
_3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
_OPEN = _3 + "input float[64] x_0;\ninput float[64] theta_0;\nqubit[2] q;\n"


def _fourier(qubits: int) -> str:
    lines = [_2, f"qreg q[{qubits}];", f"creg c[{qubits}];"]
    for i in range(qubits):
        lines.append(f"h q[{i}];")
        lines += [f"cu1(pi/{2 ** (j - i)}) q[{j}],q[{i}];" for j in range(i + 1, qubits)]
    lines += [f"swap q[{i}],q[{qubits - 1 - i}];" for i in range(qubits // 2)]
    return "\n".join([*lines, "measure q -> c;"]) + "\n"


def _ladder(qubits: int, layers: int) -> str:
    lines = [_3, *(f"input angle x_{q};" for q in range(qubits)), "input angle theta_0;", f"qubit[{qubits}] reg;"]
    for _ in range(layers):
        lines += [f"ry(x_{q}) reg[{q}];" for q in range(qubits)]
        lines += [f"cx reg[{q}], reg[{q + 1}]; rz(theta_0) reg[{q + 1}];" for q in range(qubits - 1)]
    return "\n".join(lines)


def _ripple_adder() -> str:
    return _2 + (
        "gate majority a,b,c { cx c,b; cx c,a; ccx a,b,c; }\ngate unmaj a,b,c { ccx a,b,c; cx c,a; cx a,b; }\n"
        "qreg cin[1]; qreg a[4]; qreg b[4]; qreg cout[1]; creg ans[5];\nx a[0]; x b;\n"
        "majority cin[0],b[0],a[0];\nmajority a[0],b[1],a[1];\nmajority a[1],b[2],a[2];\nmajority a[2],b[3],a[3];\n"
        "cx a[3],cout[0];\nunmaj a[2],b[3],a[3];\nunmaj a[1],b[2],a[2];\nunmaj a[0],b[1],a[1];\n"
        "unmaj cin[0],b[0],a[0];\nmeasure b[0] -> ans[0];\nmeasure cout[0] -> ans[4];\n"
    )


FILES: dict[str, tuple[str, str]] = {
    # OpenQASM 2
    "fourier transform of 4": (_fourier(4), READ),
    "fourier transform of 12": (_fourier(12), READ),
    "ripple adder": (_ripple_adder(), READ),
    "bell, one line": ('OPENQASM 2.0;include "qelib1.inc";qreg q[2];h q[0];cx q[0],q[1];', READ),
    "bell, windows lines": (_2.replace("\n", "\r\n") + "qreg q[2];\r\nh q[0];\r\ncx q[0],q[1];\r\n", READ),
    "mark of an editor at the begin": ("\ufeff" + _2 + "qreg q[1];\nh q[0];\n", READ),
    "not a text": ("\x00\x01\x02", "token recognition error at: '\\x00"),
    "loop over qubits": (_3 + "qubit[4] q;\nfor int i in [0:3] { h q[i]; }\n", READ),
    "loop beyond its qubits": (
        _3 + "qubit[4] q;\nfor int i in [0:4] { h q[i]; }\n",
        "out of the range of its register",
    ),
    "comments everywhere": ("// made by hand\n" + _2 + "qreg q[2]; // two\nh q; // all\n// end\n", READ),
    "broadcast over registers": (_2 + "qreg a[3];\nqreg b[3];\nh a;\ncx a,b;\nbarrier a,b;\n", READ),
    "measured in the middle of nothing": (_2 + "qreg q[2];\ncreg c[2];\nh q[0];\nmeasure q[0]->c[0];\nx q[1];\n", READ),
    "own gate with angles": (
        _2 + "gate rot(a,b,c) q { rz(a) q; ry(b) q; rz(c) q; }\nqreg q[1];\nrot(pi/2,-pi,3*pi/4) q[0];\n",
        READ,
    ),
    "angles as expressions": (_2 + "qreg q[1];\nrx(sin(pi/3)+2^3-ln(2)) q[0];\nu3(-0.5e-1,.25,1.) q[0];\n", READ),
    "old names of gates": (
        _2 + "qreg q[3];\nu1(0.1) q[0];\nu2(0,pi) q[1];\ncu3(1,2,3) q[0],q[1];\nrzz(1) q[1],q[2];\n",
        READ,
    ),
    "shadowed name": (
        'OPENQASM 2.0;\ninclude "qelib1.inc";\ngate iswap a,b { s a; s b; h a; cx a,b; cx b,a; h b; }\nqreg q[2];\n'
        "iswap q[0],q[1];\n",
        READ,
    ),
    "idle qubits": (_2 + "qreg q[6];\nh q[5];\n", READ),
    "only a measurement": (_2 + "qreg q[1];\ncreg c[1];\nmeasure q -> c;\n", READ),
    "reset first": (_2 + "qreg q[2];\nreset q;\nh q[0];\ncx q[0],q[1];\n", READ),
    "teleportation with corrections": (
        _2 + "qreg q[3];\ncreg c[2];\nh q[1];\ncx q[1],q[2];\nmeasure q[0]->c[0];\nif(c==1) z q[2];\n",
        "if_else",
    ),
    "gate after a measurement": (_2 + "qreg q[1];\ncreg c[1];\nmeasure q->c;\nh q[0];\n", "measure"),
    "reset on the way": (_2 + "qreg q[1];\nh q[0];\nreset q[0];\n", "reset"),
    "no include": ("OPENQASM 2.0;\nqreg q[2];\nh q[0];\n", "instruction 'h' before definition"),
    "opaque gate": (_2 + "opaque magic a;\nqreg q[1];\nmagic q[0];\n", "magic"),
    "unknown gate": (_2 + "qreg q[1];\nfoo q[0];\n", "'foo' is not defined"),
    "missing semicolon": (_2 + "qreg q[2]\nh q[0];\n", "cannot be read as OpenQASM 2"),
    "index too large": (_2 + "qreg q[2];\nh q[2];\n", "cannot be read as OpenQASM 2"),
    "same qubit twice": (_2 + "qreg q[2];\ncx q[0],q[0];\n", "duplicate"),
    "no qubits": (_2, "must have 1 to"),
    "missing include file": ('OPENQASM 2.0;\ninclude "mine.inc";\nqreg q[1];\n', "mine.inc"),
    "division by zero": (_2 + "qreg q[1];\nrx(1/0) q[0];\n", "cannot be read as OpenQASM 2"),
    "gate without its angle": (_2 + "qreg q[1];\nrx q[0];\n", "the gate rx lacks an angle"),
    "gate on too many qubits": (_2 + "qreg q[3];\ncx q[0],q[1],q[2];\n", "takes 2 quantum arguments, but got 3"),
    "gate within itself": (_2 + "gate g a { g a; }\nqreg q[1];\ng q[0];\n", "'g' is not defined in this scope"),
    "condition": (_2 + "qreg q[2];\ncreg c[2];\nmeasure q[0]->c[0];\nif(c==1) x q[1];\n", "got if_else on q[1]"),
    "logarithm of a negative number": (_2 + "qreg q[1];\nrx(ln(-1)) q[0];\n", "cannot take ln of non-positive"),
    "angle beyond all numbers": (_2 + "qreg q[1];\nrx(10^400) q[0];\n", "must have finite angles, got rx on q[0]"),
    "register of two sizes": (_2 + "qreg q[1];\nqreg q[2];\nh q;\n", "'q' is already defined"),
    "broadcast that does not fit": (_2 + "qreg a[2];\nqreg b[3];\ncx a,b;\n", "cannot resolve broadcast"),
    "many controls": (_2 + "qreg q[5];\nc3x q[0],q[1],q[2],q[3];\nc4x q[0],q[1],q[2],q[3],q[4];\n", READ),
    "include of the other version": ('OPENQASM 2.0;\ninclude "stdgates.inc";\nqreg q[1];\n', "stdgates.inc"),
    # OpenQASM 3
    "ghz": (_3 + "qubit[3] q;\nbit[3] c;\nh q[0];\ncx q[0], q[1];\ncx q[1], q[2];\nc = measure q;\n", READ),
    "no version": ('include "stdgates.inc";\nqubit q;\nh q;\n', READ),
    "version 3 without point": ('OPENQASM 3;\ninclude "stdgates.inc";\nqubit q;\nh q;\n', READ),
    "block comments": ("/* many\n lines */\n" + _3 + "qubit[2] q; /* two */ h q[0];\n", READ),
    "gate definition": (
        _3 + "gate mine(a) p, r { cx p, r; rz(a) r; cx p, r; }\nqubit[2] q;\nmine(pi / 4) q[0], q[1];\n",
        READ,
    ),
    "for loop": (_3 + "qubit[4] q;\nfor int i in [0:2] { cx q[i], q[i + 1]; }\n", READ),
    "for loop over angles": (_3 + "qubit[2] q;\nfor int i in [1:3] { rx(i * 0.5) q[0]; }\n", READ),
    "modifiers": (
        _3 + "qubit[3] q;\nctrl @ x q[0], q[1];\ninv @ s q[0];\nctrl(2) @ z q[0], q[1], q[2];\npow(2) @ t q[2];\n",
        READ,
    ),
    "constants": (_3 + "const float half = 0.5;\nqubit q;\nrx(half) q;\n", READ),
    "constant of another kind": (
        _3 + "const duration long = 10ns;\nqubit q;\n",
        "must be an int, uint, float or angle",
    ),
    "constant out of nothing": (
        _3 + "const float half = whole / 2;\nqubit q;\n",
        "made of numbers and other constants",
    ),
    "aliases": (_3 + "qubit[4] q;\nlet low = q[0:1];\nh low[0];\ncx low[0], low[1];\n", READ),
    "old registers": (
        'OPENQASM 3.0;\ninclude "stdgates.inc";\nqreg q[2];\ncreg c[2];\nh q[0];\nc[0] = measure q[0];\n',
        READ,
    ),
    "hardware qubits": (_3 + "h $0;\ncx $0, $1;\n", READ),
    "unicode": (_3 + "qubit q;\nrx(π / 2) q;\n", READ),
    "free input": (_3 + "input float a;\nqubit q;\nrx(a) q;\n", "all parameters must have values, got none for a"),
    "if": (_3 + "qubit[2] q;\nbit c;\nc = measure q[0];\nif (c) { x q[1]; }\n", "if_else"),
    "while": (_3 + "qubit q;\nbit c;\nwhile (!c) { h q; c = measure q; }\n", "while"),
    "subroutine": (_3 + "def f(qubit a) { h a; }\nqubit q;\nf(q);\n", "cannot be read as OpenQASM 3"),
    "syntax error": (_3 + "qubit[2] q;\nh q[0]]\n;", "syntax error in line 4 at ']'"),
    "empty": ("", "a program must have statements, got none"),
    "comments alone": ("// to be done\n/* later */\n", "a program must have statements, got none"),
    "nothing but a version": ("OPENQASM 3.0;\n", "must have 1 to"),
    "prose": ("Dear colleague, please find the circuit attached.\n", "syntax error in line 1 at 'find'"),
    "version 4": ("OPENQASM 4.0;\nqubit q;\n", "OpenQASM 2 or 3, got version 4"),
    "expression nested too deeply": (_3 + f"qubit q;\nrx({'(' * 1500}1{')' * 1500}) q;\n", "nested too deeply"),
    "indices from the end": (_3 + "qubit[3] q;\nh q[-1];\ncx q[-1], q[0];\n", READ),
    "sets of qubits": (_3 + "qubit[6] q;\nh q[0:2:4];\ncx q[{0, 2}], q[{1, 3}];\n", READ),
    "five controls": (_3 + "qubit[6] q;\nctrl(5) @ x q[0], q[1], q[2], q[3], q[4], q[5];\n", READ),
    "root of a gate, inverse of one's own": (
        _3 + "gate g(a) p { rx(a) p; }\nqubit q;\npow(0.5) @ x q;\ninv @ g(0.3) q;\ngphase(pi);\n",
        READ,
    ),
    "box": (_3 + "qubit q;\nbox { h q; }\n", "got box on qubit 0"),
    "array": (_3 + "array[float, 2] a = {0.1, 0.2};\nqubit q;\nrx(a[1]) q;\n", "type 'array' are not supported"),
    "endless loop, nearly": (_3 + "qubit q;\nfor int i in [0:100000000] { h q; }\n", "at most 400,000 gates"),
    "nested loops": (_3 + "qubit[4] q;\nfor int i in [0:2] { for int j in [i:2] { cx q[i], q[j + 1]; } }\n", READ),
    "negative register": (_3 + "qubit[-3] q;\nh q;\n", "size must be non-negative"),
    "page not found": ("<!DOCTYPE html><html><body>404 Not Found</body></html>\n", "syntax error in line 1 at '<'"),
    "huge register": (_3 + "qubit[1000000] q;\n", "at most 1,000 qubits"),
    # with inputs
    "ladder": (_ladder(4, 2), TRAINED),
    "products of inputs": (
        _OPEN + "rz(x_0 * x_0) q[0];\nrx((pi - x_0) * theta_0 / 2) q[1];\nbarrier q;\ncz q[0], q[1];\n",
        TRAINED,
    ),
    "own gate of a weight": (
        _OPEN + "gate turn(a) p { h p; rz(2 * a) p; h p; }\nry(x_0) q[0];\nturn(theta_0) q[1];\n",
        TRAINED,
    ),
    "measured at the end": (_OPEN + "bit[2] c;\nry(x_0) q[0];\ncrx(theta_0) q[0], q[1];\nc = measure q;\n", TRAINED),
    "squared weight": (_OPEN + "rx(x_0) q[0];\nrx(theta_0 * theta_0) q[0];\n", "linear in"),
    "sine of a weight": (_OPEN + "rx(x_0) q[0];\nrx(sin(theta_0)) q[0];\n", "'FunctionCall' cannot be resolved"),
    "other names": (_3 + "input float phi;\ninput float x_0;\nqubit q;\nrx(phi) q;\nry(x_0) q;\n", "got phi"),
    "a gap in the numbers": (
        _3 + "input float x_0; input float theta_1;\nqubit q;\nrx(x_0) q;\nrx(theta_1) q;\n",
        "theta_1 is used without theta_0",
    ),
    "weights alone": (_3 + "input float theta_0;\nqubit q;\nrx(theta_0) q;\n", "1 to 2,000 inputs, got 0"),
    "measured on the way": (
        _OPEN + "bit c;\nry(x_0) q[0];\nc = measure q[0];\nrx(theta_0) q[0];\n",
        "measurements must come last",
    ),
    "too many qubits to train": (_ladder(11, 1), "1 to 10 qubits, got 11"),
}
