"""NumPy's files, written piece by piece: an array may be larger than memory."""

from typing import IO

import numpy as np


def write_header(file: IO[bytes], dtype: str, shape: tuple[int, ...]) -> None:
    """Begin a `.npy` file; the array's bytes follow, row by row."""
    descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
