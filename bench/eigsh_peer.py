"""The ground state of a Heisenberg ring with no magnetisation by SciPy's `eigsh`: the peer of `bench_lanczos`.

The argument is the number of sites. Prints one line of JSON: the energy, the seconds of making the matrix and
of `eigsh`, the states, the products with the matrix.
"""

import json
import sys
import time

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, eigsh

n_sites = int(sys.argv[1])
start = time.perf_counter()
everything = np.arange(1 << n_sites, dtype=np.int64)
ups = sum((everything >> i) & 1 for i in range(n_sites))
states = everything[ups == n_sites // 2]
number = np.full(1 << n_sites, -1, dtype=np.int32)
number[states] = np.arange(len(states), dtype=np.int32)
rows, columns, diagonal = [], [], np.zeros(len(states))
for i in range(n_sites):
    bits = (1 << i) | (1 << (i + 1) % n_sites)
    antiparallel = ((states >> i) ^ (states >> (i + 1) % n_sites)) & 1
    diagonal += 1 - 2 * antiparallel
    from_states = np.nonzero(antiparallel)[0]
    rows.append(from_states.astype(np.int32))
    columns.append(number[states[from_states] ^ bits])
rows, columns = np.concatenate(rows), np.concatenate(columns)
shape = (len(states), len(states))
matrix = sp.csr_matrix((np.full(len(rows), 2.0), (rows, columns)), shape=shape)
matrix = (matrix + sp.diags(diagonal)).tocsr()
del everything, ups, number, rows, columns
made = time.perf_counter()
products = 0


def multiply(x):
    global products
    products += 1
    return matrix @ x


operator = LinearOperator(shape, matvec=multiply, dtype=np.float64)
energy = eigsh(operator, k=1, which="SA", return_eigenvectors=True)[0][0]
done = time.perf_counter()
print(
    json.dumps(
        {
            "energy": energy,
            "seconds": [made - start, done - made],
            "states": len(states),
            "products": products,
        }
    )
)
